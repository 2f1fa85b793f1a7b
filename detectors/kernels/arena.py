"""Byte arenas: texts one after another in one array, pointed to by where they begin and how long they are.

Texts are appended; what nothing points to any more goes when the others are packed anew.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined, kernel


@inlined
def append(arena: np.ndarray, end: int, source: np.ndarray, at: int, length: int) -> int:
    """Copy `length` bytes of `source` from `at` to the arena's end; gives its new end. Both are uint8."""
    for i in range(length):
        arena[end + i] = source[at + i]
    return end + length


@kernel
def pack(at: np.ndarray, length: np.ndarray, arena: np.ndarray, into: np.ndarray, end: int) -> int:
    """Copy the texts that rows point to into another arena from `end` on; gives its new end.

    `at` and `length` are columns of integers, one row a text (length 0: none); `at` is brought up
    to date. The arenas are uint8.
    """
    for row in range(at.size):
        start = at[row]
        at[row] = end
        end = append(into, end, arena, start, length[row])
    return end


def packed(at: np.ndarray, length: np.ndarray, arena: np.ndarray) -> np.ndarray:
    """The texts at places of an arena, one after another in an arena of their own.

    `at` and `length` are integers (n), arenas uint8.
    """
    into = np.zeros(int(length.sum()), np.uint8)
    pack(at.astype(np.int64), length, arena, into, 0)
    return into
