"""A stable sort inside a kernel, in memory that the caller lends."""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import kernel

RUN = 16  # this many are sorted by insertion


@kernel
def sort_pairs(
    keys: np.ndarray, values: np.ndarray, count: int, spare_keys: np.ndarray, spare: np.ndarray
) -> None:
    """Sort `values[:count]` by their `keys` (uint64) in place: insertion in runs, then merging.

    Keys, values (of any type) and what is spare of both have `count` places or more.
    """
    for start in range(0, count, RUN):
        for i in range(start + 1, min(start + RUN, count)):
            key = keys[i]
            value = values[i]
            j = i
            while j > start and keys[j - 1] > key:
                keys[j] = keys[j - 1]
                values[j] = values[j - 1]
                j -= 1
            keys[j] = key
            values[j] = value
    width = RUN
    while width < count:
        for start in range(0, count, 2 * width):
            middle = min(start + width, count)
            stop = min(start + 2 * width, count)
            left = start
            right = middle
            for at in range(start, stop):
                if left < middle and (right >= stop or keys[left] <= keys[right]):
                    spare_keys[at] = keys[left]
                    spare[at] = values[left]
                    left += 1
                else:
                    spare_keys[at] = keys[right]
                    spare[at] = values[right]
                    right += 1
        for at in range(count):
            keys[at] = spare_keys[at]
            values[at] = spare[at]
        width *= 2
