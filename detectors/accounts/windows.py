"""Windows into windows: a minute into its hour, an hour into its day; and an empty one again."""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import Row
from detectors.kernels.compiled import kernel
from detectors.kernels.counts import add_capped, empty


@kernel
def merge(window: Row, other: Row) -> None:
    """Add `other` (a minute or an hour) to `window` (an hour or a day) of the same account."""
    window.requests += other.requests
    window.input += other.input
    window.output += other.output
    window.cost += other.cost
    add_capped(window.capability, other.capability)
    add_capped(window.templates, other.templates)


@kernel
def clear(windows: np.ndarray, row: int) -> None:
    """Empty a row of a table of windows. `windows` are WINDOW or MINUTE rows."""
    window = windows[row]
    window.input = 0
    window.output = 0
    window.cost = 0
    window.requests = 0
    empty(window.capability)
    empty(window.templates)
