"""Rows of a table by their key: open addressing with linear probing, half empty by its size.

`slots` is int32 and a power of two long; a slot holds a row + 1, and 0 where it is empty. The keys
stay in the table: `same(row, wanted)`, inlined, says whether a row of it is the one looked for. `start`
is a hash of the key. Nothing is taken out: who gives rows up empties the slots and puts the others in
again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel


@inlined
def row_of(
    slots: np.ndarray,
    start: np.uint64,
    rows: np.ndarray,
    same: Callable[[Row, Any], bool],
    wanted: Any,
) -> int:
    """The row of a key, or -1. `slots` is int32, `rows` a structured array."""
    mask = np.uint64(slots.size - 1)
    at = start & mask
    while True:
        row = slots[at] - 1
        if row < 0:
            return -1
        if same(rows[row], wanted):
            return row
        at = (at + np.uint64(1)) & mask


@kernel
def put_row(slots: np.ndarray, start: np.uint64, row: int) -> np.uint64:
    """Make a row findable whose key is in no slot yet; gives the slot it is in. `slots` is int32."""
    mask = np.uint64(slots.size - 1)
    at = start & mask
    while slots[at] != 0:
        at = (at + np.uint64(1)) & mask
    slots[at] = row + 1
    return at
