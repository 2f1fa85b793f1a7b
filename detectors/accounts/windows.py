"""Windows into windows: a minute into its hour, an hour into its day."""

from __future__ import annotations

from detectors.interface.columns import Row
from detectors.kernels.compiled import kernel
from detectors.kernels.counts import add_capped


@kernel
def merge(window: Row, other: Row) -> None:
    """Add `other` (a minute or an hour) to `window` (an hour or a day) of the same account."""
    window.requests += other.requests
    window.input += other.input
    window.output += other.output
    window.cost += other.cost
    add_capped(window.capability, other.capability)
    add_capped(window.templates, other.templates)
