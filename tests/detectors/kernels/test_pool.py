"""The free stack: what was given back last is taken first, and nothing is taken twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.kernels.pool import NONE_LEFT, give_row, rows_left, take_row

TOP, STACKED = 0, 1


def test_a_row_given_back_last_is_taken_first_and_then_rows_never_used() -> None:
    free, scalars = np.zeros(4, np.int32), np.zeros(2, np.int64)
    assert [take_row(free, scalars, TOP, STACKED) for _ in range(3)] == [0, 1, 2]
    give_row(free, scalars, STACKED, 1)
    give_row(free, scalars, STACKED, 0)
    assert [take_row(free, scalars, TOP, STACKED) for _ in range(4)] == [0, 1, 3, NONE_LEFT]


@given(st.lists(st.booleans(), max_size=60))
def test_no_row_is_held_twice_and_all_but_the_held_are_left(takes: list[bool]) -> None:
    free, scalars = np.zeros(5, np.int32), np.zeros(2, np.int64)
    held: list[int] = []
    for take in takes:
        if take:
            row = take_row(free, scalars, TOP, STACKED)
            assert row not in held
            assert (row == NONE_LEFT) == (len(held) == 5)
            held += [row] if row != NONE_LEFT else []
        elif held:
            give_row(free, scalars, STACKED, held.pop(0))
        assert rows_left(free, scalars, TOP, STACKED) == 5 - len(held)
