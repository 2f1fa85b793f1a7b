"""The decorator of the kernels of a world, and chance by counting: a value from a key, no state.

A generator with a state gives other values when it is asked in other portions. A hash of (who,
when, which) does not: so a world's bytes do not depend on how its time is cut into slices.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
from numba import njit

# Without counting references to arrays: the kernels neither make nor keep any.
kernel = njit(cache=True, nogil=True, _nrt=False)
inlined = njit(cache=True, nogil=True, _nrt=False, inline="always")

_STEPS = 4096
# Values of the standard normal distribution at equal steps of probability; the ends, which are
# infinite, at half a step: nothing here lives from the far tails.
NORMAL = np.array(
    [NormalDist().inv_cdf(min(max(i, 0.5), _STEPS - 0.5) / _STEPS) for i in range(_STEPS + 1)]
)
_53 = 1.0 / (1 << 53)


@inlined
def mix(word: Any) -> Any:
    """Scatter a 64-bit word one to one (the finaliser of SplitMix64)."""
    x = np.uint64(word) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@inlined
def draw(key: Any, number: int) -> Any:
    """Give the `number`-th 64-bit word of `key`."""
    return mix(np.uint64(key) + np.uint64(number) * np.uint64(0xD1342543DE82EF95))


@inlined
def unit(word: Any) -> Any:
    """Turn a word into a number in [0, 1)."""
    return np.float64(np.uint64(word) >> np.uint64(11)) * _53


@inlined
def quantile(table: Any, share: float) -> Any:
    """Read a table of values at equal steps of probability, straight lines between."""
    at = share * (len(table) - 1)
    low = int(at)
    return table[low] + (at - low) * (table[low + 1] - table[low])


@inlined
def normal(word: Any) -> Any:
    """Turn a word into a standard normal value."""
    return quantile(NORMAL, unit(word))


@inlined
def pick(cumulative: Any, share: float) -> Any:
    """Give the column in which `share` falls; `cumulative` rises to 1."""
    at = 0
    while at < len(cumulative) - 1 and share >= cumulative[at]:
        at += 1
    return at
