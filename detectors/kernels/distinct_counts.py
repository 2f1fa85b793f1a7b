"""Distinct counts in two-level bitmaps of two words, each read by linear counting.

Bits only ever get set, so merging is OR and order cannot matter. Linear counting: Whang, Vander-
Zanden and Taylor, ACM TODS 15(2), 1990. Multiresolution bitmaps: Estan, Varghese and Fisk, IMC
2003; here the second level samples one value in sixteen.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import mix
from detectors.kernels.words import ones

BITS = 64
SAMPLING = 16
FULL_ENOUGH = 56  # set bits beyond which the first level no longer resolves


@inlined
def set_double(words: np.ndarray, at: int, value: np.uint64) -> None:
    """Add a fingerprint to the two-level bitmap at `at` and `at + 1`. `words` are uint64."""
    if value != np.uint64(0):
        mixed = mix(value)
        level = 1 if (mixed >> np.uint64(6)) & np.uint64(15) == np.uint64(0) else 0
        words[at + level] |= np.uint64(1) << (mixed & np.uint64(63))


@kernel
def _count_single(word: np.uint64) -> float:
    """Estimate of distinct values in a one-word bitmap; a full one reads as its ceiling, 267."""
    empty = BITS - ones(word)
    return BITS * np.log(BITS / max(empty, 1))


@kernel
def count_double(low: np.uint64, high: np.uint64) -> float:
    """Estimate of distinct values in a two-level bitmap; reads up to about 4,000."""
    if ones(low) <= FULL_ENOUGH:
        return _count_single(low) + _count_single(high)
    return SAMPLING * _count_single(high)
