"""Open addressing: every row put in is found by its key, and no other key finds one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hash_index import put_row, row_of

TABLE = np.dtype([("key", "<u8"), ("kind", "u1")])


@inlined
def same(row: Row, wanted: tuple[np.uint64, int]) -> bool:
    """Whether a row is of a key and kind."""
    return row.key == wanted[0] and row.kind == wanted[1]


@kernel
def find(slots: np.ndarray, rows: np.ndarray, key: np.uint64, kind: int) -> int:
    """As the tables' own kernels do, with a hash that collides often."""
    return row_of(slots, key % np.uint64(3), rows, same, (key, kind))


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=8))
def test_each_key_finds_its_row_however_they_collide(keys: set[tuple[int, int]]) -> None:
    slots, rows = np.zeros(16, np.int32), np.zeros(8, TABLE)
    for row, (key, kind) in enumerate(sorted(keys)):
        rows[row] = key, kind
        at = put_row(slots, np.uint64(key % 3), row)
        assert slots[at] == row + 1
    found = {(k, d): find(slots, rows, np.uint64(k), d) for k in range(10) for d in range(3)}
    assert {k: r for k, r in found.items() if r >= 0} == {k: r for r, k in enumerate(sorted(keys))}
