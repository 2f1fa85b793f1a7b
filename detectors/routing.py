"""Which key partition owns a key: a function of the key alone, so every source agrees."""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors.recency import mix


@nb.njit(cache=True)
def targets_of(keys: np.ndarray, kinds: np.ndarray, partitions: int) -> np.ndarray:
    """The key partition of each (key, kind)."""
    targets = np.empty(keys.size, np.int64)
    for i in range(keys.size):
        mixed = mix(keys[i] ^ (np.uint64(kinds[i]) << np.uint64(56)))
        targets[i] = np.int64(mixed % np.uint64(partitions))
    return targets
