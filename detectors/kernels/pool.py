"""Rows of a table that are taken and given back: the one given back last first, then ones never used.

The stack of rows given back is `free`, as long as the table. How many rows were ever used, and how
many of them lie on the stack, are two places of the state's `scalars`.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined, kernel

NONE_LEFT = -1


def power_of_two(least: int) -> int:
    """The smallest power of two that is at least `least`."""
    return 1 << max(least - 1, 1).bit_length()


@kernel
def take_row(free: np.ndarray, scalars: np.ndarray, top: int, stacked: int) -> int:
    """A row that nobody has, or NONE_LEFT.

    `free` is int32 (rows), `scalars` int64; `top` and `stacked` are places in the latter.
    """
    left = scalars[stacked]
    if left > 0:
        scalars[stacked] = left - 1
        return np.int64(free[left - 1])  # type: ignore[return-value]
    row = scalars[top]
    if row == free.size:
        return NONE_LEFT
    scalars[top] = row + 1
    return row


@inlined
def give_row(free: np.ndarray, scalars: np.ndarray, stacked: int, row: int) -> None:
    """Give a row back; it is the next to be taken. Arrays as in `take_row`: int32 rows, int64 scalars."""
    free[scalars[stacked]] = row
    scalars[stacked] += 1


@inlined
def rows_left(free: np.ndarray, scalars: np.ndarray, top: int, stacked: int) -> int:
    """How many rows can still be taken. Arrays as in `take_row`: int32 rows, int64 scalars."""
    return free.size - scalars[top] + scalars[stacked]
