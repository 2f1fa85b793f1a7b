"""Small arrays of counts in a row: emptied, added up, and counted in, without overflow."""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined

MOST = 65_535  # what a 16-bit count reaches: what is read of a mix is the proportion


@inlined
def empty(counts: np.ndarray) -> None:
    """Set all counts (n, of any integer dtype) to 0."""
    for i in range(counts.size):
        counts[i] = 0


@inlined
def add_capped(counts: np.ndarray, others: np.ndarray) -> None:
    """Add `others` to `counts` (uint16, n each), saturating."""
    for i in range(counts.size):
        total = np.int64(counts[i]) + np.int64(others[i])
        counts[i] = min(total, MOST)


@inlined
def count_capped(counts: np.ndarray, place: int) -> None:
    """Count one more at a place of `counts` (uint16, n), saturating; none where there is no such place."""
    if place < counts.size and counts[place] < MOST:
        counts[place] += 1
