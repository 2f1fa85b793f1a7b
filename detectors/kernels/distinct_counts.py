"""Distinct counts in bitmaps: one word by linear counting, two words by a two-level bitmap.

Bits only ever get set, so merging is OR and order cannot matter. Linear counting: Whang, Vander-
Zanden and Taylor, ACM TODS 15(2), 1990. Multiresolution bitmaps: Estan, Varghese and Fisk, IMC
2003; here the second level samples one value in sixteen.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import mix

BITS = 64
SAMPLING = 16
FULL_ENOUGH = 56  # set bits beyond which the first level no longer resolves


@inlined
def set_single(words: np.ndarray, at: int, value: np.uint64) -> None:
    """Add a fingerprint to the one-word bitmap at `at`."""
    if value != np.uint64(0):
        words[at] |= np.uint64(1) << (mix(value) & np.uint64(63))


@inlined
def set_double(words: np.ndarray, at: int, value: np.uint64) -> None:
    """Add a fingerprint to the two-level bitmap at `at` and `at + 1`."""
    if value != np.uint64(0):
        mixed = mix(value)
        level = 1 if (mixed >> np.uint64(6)) & np.uint64(15) == np.uint64(0) else 0
        words[at + level] |= np.uint64(1) << (mixed & np.uint64(63))


@kernel
def ones(word: np.uint64) -> int:
    """How many bits are set."""
    count = 0
    word = np.uint64(word)
    while word != np.uint64(0):
        word &= word - np.uint64(1)
        count += 1
    return count


@kernel
def count_single(word: np.uint64) -> float:
    """Estimate of distinct values in a one-word bitmap; a full one reads as its ceiling, 267."""
    empty = BITS - ones(word)
    return BITS * np.log(BITS / max(empty, 1))


@kernel
def count_double(low: np.uint64, high: np.uint64) -> float:
    """Estimate of distinct values in a two-level bitmap; reads up to about 4,000."""
    if ones(low) <= FULL_ENOUGH:
        return count_single(low) + count_single(high)
    return SAMPLING * count_single(high)
