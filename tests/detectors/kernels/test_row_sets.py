"""Set-associative rows: found within their set alone; the empty go first, then the oldest."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.row_sets import look_up

WAYS = 3
TABLE = np.dtype([("key", "<u8"), ("tick", "<i4")])


@inlined
def same(row: Row, key: np.uint64) -> bool:
    """Whether a row has a key."""
    return row.key == key


@kernel
def look(rows: np.ndarray, base: int, key: np.uint64) -> tuple[int, int]:
    """As the tables' own kernels do."""
    return look_up(rows, base, WAYS, same, key)


@pytest.mark.parametrize(
    ("ticks", "victim"),
    [((5, 4, 6), 4), ((5, 0, 0), 4), ((7, 7, 7), 3), ((0, 2, 1), 3)],
)
def test_the_first_empty_row_gives_way_and_else_the_first_of_the_oldest(
    ticks: tuple[int, int, int], victim: int
) -> None:
    rows = np.zeros(2 * WAYS, TABLE)
    rows["key"] = [9, 9, 9, 1, 2, 3]
    rows["tick"][WAYS:] = ticks
    assert look(rows, WAYS, np.uint64(9)) == (-1, victim)


def test_the_first_row_that_is_the_same_is_found() -> None:
    rows = np.zeros(2 * WAYS, TABLE)
    rows["key"] = [9, 9, 9, 1, 2, 2]
    assert look(rows, WAYS, np.uint64(2))[0] == 4
    assert look(rows, 0, np.uint64(2))[0] == -1
