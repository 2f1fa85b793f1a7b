"""Who holds which values, how much, and since when: rows sorted by value, that fade when they are not used.

A row is a value of a kind, an account, and the requests with it, halved every two days. What was not used
for long is dropped; so a value's holders are those who use it now.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel

HELD = np.dtype(
    [
        ("key", "<u8"),
        ("row", "<i4"),  # of the member
        ("count", "<f4"),  # requests, faded
        ("joined", "<i4"),  # hour in which the member was first seen with it
        ("kind", "u1"),
    ],
)
HALF_LIFE_HOURS = 48
FLOOR = 0.05  # of a request: dropped below


def fade(hours: int) -> float:
    """What is left of a count after so many hours."""
    return float(0.5 ** (hours / HALF_LIFE_HOURS))


def by_value(held: NDArray[np.void]) -> NDArray[np.void]:
    """The rows (HELD) in order of kind, key and member."""
    order = np.lexsort((held["row"], held["key"], held["kind"]))
    return held[order]


def merged(held: NDArray[np.void], new: NDArray[np.void], left: float) -> NDArray[np.void]:
    """Two tables of HELD, each in order of value, as one: the first faded to `left` of what it was."""
    into = np.zeros(held.size + new.size, HELD)
    return into[: _merge(held, new, np.float32(left), into)]


@inlined
def _before(one: Row, other: Row) -> bool:
    if one.kind != other.kind:
        return one.kind < other.kind
    if one.key != other.key:
        return one.key < other.key
    return one.row < other.row


@inlined
def _same(one: Row, other: Row) -> bool:
    return one.kind == other.kind and one.key == other.key and one.row == other.row


@kernel
def _merge(held: np.ndarray, new: np.ndarray, left: np.float32, into: np.ndarray) -> int:
    count = 0
    i = 0
    for j in range(new.size):
        while i < held.size and _before(held[i], new[j]):
            kept = held[i].count * left
            if kept >= FLOOR:
                into[count] = held[i]
                into[count].count = kept
                count += 1
            i += 1
        if count > 0 and _same(into[count - 1], new[j]):
            into[count - 1].count += new[j].count
            continue
        into[count] = new[j]
        if i < held.size and _same(held[i], new[j]):
            into[count].count += held[i].count * left
            into[count].joined = held[i].joined
            i += 1
        count += 1
    while i < held.size:
        kept = held[i].count * left
        if kept >= FLOOR:
            into[count] = held[i]
            into[count].count = kept
            count += 1
        i += 1
    return count
