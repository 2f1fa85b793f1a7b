"""A bounded "seen lately?" table: eight-way set-associative, one cache line per look-up.

An entry is a 44-bit tag and a 20-bit stamp in one word. It is live while its stamp lies after the
floor the caller gives, by less than `REACH` (stamps wrap, and what is two years old must not look
young); a value seen again takes the newer stamp. Dead entries are reused, and a set full of live
ones gives up its oldest, which the caller counts. With n sets the chance that a value never seen is
taken for a seen one is at most 8 / (n * 2^43): under 1e-12 for the smallest table.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import kernel

WAYS = 8
STAMP_BITS = 20
STAMP_MASK = np.uint64((1 << STAMP_BITS) - 1)
REACH = np.uint64(1 << 12)  # ticks: a day of lateness, and more

NEW, SEEN, NEW_BY_EVICTION, OTHER = 0, 1, 2, 3


def contents_of(entries: np.ndarray) -> np.ndarray:
    """Room for the content beside each entry of a table (uint64), 4 bytes each, none known. As uint32."""
    return np.zeros(entries.size, np.uint32)


def table(entries: int) -> np.ndarray:
    """An empty table of at least `entries` entries (a power of two of sets), 8 bytes each. As uint64."""
    sets = 1
    while sets * WAYS < entries:
        sets *= 2
    return np.zeros(sets * WAYS, np.uint64)


@kernel
def see(entries: np.ndarray, value: np.uint64, stamp: int, floor: int) -> int:
    """Look a fingerprint up and remember it under `stamp`; entries stamped <= `floor` are dead.

    Returns SEEN, NEW, or NEW_BY_EVICTION where a live entry had to go. `value` is well mixed.
    `entries` are uint64, as `table` makes them.
    """
    base = (value & np.uint64(entries.size // WAYS - 1)) * np.uint64(WAYS)
    tag = (value >> np.uint64(STAMP_BITS)) | np.uint64(1)
    mark = np.uint64(stamp) & STAMP_MASK
    low = np.uint64(floor) & STAMP_MASK
    word = (tag << np.uint64(STAMP_BITS)) | mark
    victim = base
    best = np.uint64(1 << 62)
    for way in range(WAYS):
        at = base + np.uint64(way)
        entry = entries[at]
        age = (((entry & STAMP_MASK) - low) & STAMP_MASK) if entry != np.uint64(0) else np.uint64(0)
        live = np.uint64(0) < age < REACH
        if entry != np.uint64(0) and (entry >> np.uint64(STAMP_BITS)) == (
            tag & np.uint64((1 << 44) - 1)
        ):
            if live:
                if (mark - low) & STAMP_MASK > age:
                    entries[at] = word
                return SEEN
            entries[at] = word
            return NEW
        rank = age if live else np.uint64(0)
        if rank < best:
            best = rank
            victim = at
    entries[victim] = word
    return NEW if best == np.uint64(0) else NEW_BY_EVICTION


@kernel
def see_content(
    entries: np.ndarray,
    contents: np.ndarray,
    value: np.uint64,
    content: np.uint32,
    stamp: int,
    floor: int,
) -> int:
    """As `see`, of a value that comes with a content: OTHER where it was seen with another one alone.

    That other one stays; the caller keeps the pair under a value of its own. `contents` are uint32, one
    beside each of `entries` (uint64); `content` is well mixed and never 0, which in `contents` means "not
    known" and is any. Two contents are taken for one with a chance of 2^-31.
    """
    base = (value & np.uint64(entries.size // WAYS - 1)) * np.uint64(WAYS)
    tag = (value >> np.uint64(STAMP_BITS)) | np.uint64(1)
    mark = np.uint64(stamp) & STAMP_MASK
    low = np.uint64(floor) & STAMP_MASK
    word = (tag << np.uint64(STAMP_BITS)) | mark
    victim = base
    best = np.uint64(1 << 62)
    for way in range(WAYS):
        at = base + np.uint64(way)
        entry = entries[at]
        age = (((entry & STAMP_MASK) - low) & STAMP_MASK) if entry != np.uint64(0) else np.uint64(0)
        live = np.uint64(0) < age < REACH
        if entry != np.uint64(0) and (entry >> np.uint64(STAMP_BITS)) == (
            tag & np.uint64((1 << 44) - 1)
        ):
            if not live:
                entries[at] = word
                contents[at] = content
                return NEW
            if (mark - low) & STAMP_MASK > age:
                entries[at] = word
            return SEEN if contents[at] == content or contents[at] == np.uint32(0) else OTHER
        rank = age if live else np.uint64(0)
        if rank < best:
            best = rank
            victim = at
    entries[victim] = word
    contents[victim] = content
    return NEW if best == np.uint64(0) else NEW_BY_EVICTION


@kernel
def unsee(entries: np.ndarray, value: np.uint64) -> None:
    """Forget a fingerprint; as it is where it is not known. `entries` are uint64, as `table` makes them."""
    base = (value & np.uint64(entries.size // WAYS - 1)) * np.uint64(WAYS)
    tag = ((value >> np.uint64(STAMP_BITS)) | np.uint64(1)) & np.uint64((1 << 44) - 1)
    for way in range(WAYS):
        if entries[base + np.uint64(way)] >> np.uint64(STAMP_BITS) == tag:
            entries[base + np.uint64(way)] = np.uint64(0)
