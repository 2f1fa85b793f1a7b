"""Windows into windows: a minute into its hour, an hour into its day."""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.counts import add_capped


@inlined
def draw(window: Row, lot: int, model: np.uint64) -> None:
    """Take a model as the window's if its lot is the highest so far, whatever the order of lots.

    So each of several models is a window's as often as it is asked: in whole windows mostly the main one.
    """
    if lot > window.drawn or (lot == window.drawn and model > window.model):
        window.drawn = lot
        window.model = model


@kernel
def merge(window: Row, other: Row) -> None:
    """Add `other` (a minute or an hour) to `window` (an hour or a day) of the same account."""
    window.requests += other.requests
    window.input += other.input
    window.output += other.output
    window.cost += other.cost
    draw(window, other.drawn, other.model)
    add_capped(window.capability, other.capability)
    add_capped(window.templates, other.templates)
