"""Windows into windows: a minute into its hour, an hour into its day; and an empty one again."""

from __future__ import annotations

import numpy as np

from detectors.interface.columns import CAPABILITY_SLOTS, MODEL_SLOTS, TEMPLATE_GROUPS, Row
from detectors.kernels.compiled import inlined, kernel


@inlined
def add_capped(counts: np.ndarray, others: np.ndarray) -> None:
    """Add 16-bit counts, saturating. Both are uint16 and of one length."""
    for i in range(counts.size):
        total = np.int64(counts[i]) + np.int64(others[i])
        counts[i] = min(total, 65535)


@kernel
def merge(window: Row, other: Row) -> None:
    """Add `other` (a minute or an hour) to `window` (an hour or a day) of the same account."""
    window.requests += other.requests
    window.input += other.input
    window.output += other.output
    window.cost += other.cost
    for i in range(2):
        window.distinct_templates[i] |= other.distinct_templates[i]
    add_capped(window.capability, other.capability)
    add_capped(window.model, other.model)
    add_capped(window.templates, other.templates)


@kernel
def clear(windows: np.ndarray, row: int) -> None:
    """Empty a row of a table of windows. `windows` are WINDOW or MINUTE rows."""
    window = windows[row]
    window.input = 0
    window.output = 0
    window.cost = 0
    window.requests = 0
    for i in range(2):
        window.distinct_templates[i] = 0
    for i in range(CAPABILITY_SLOTS):
        window.capability[i] = 0
    for i in range(MODEL_SLOTS):
        window.model[i] = 0
    for i in range(TEMPLATE_GROUPS):
        window.templates[i] = 0
