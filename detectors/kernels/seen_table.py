"""A bounded "seen lately?" table: eight-way set-associative, one cache line per look-up.

An entry is a 44-bit tag and a 20-bit stamp in one word. It is live while its stamp lies after the
floor the caller gives, by less than `REACH` (stamps wrap, and what is two years old must not look
young); a value seen again takes the newer stamp. Dead entries are reused, and a set full of live
ones gives up its oldest, which the caller counts. With n sets the chance that a value never seen is
taken for a seen one is at most 8 / (n * 2^43): under 1e-12 for the smallest table.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined, kernel

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


@inlined
def _first(value: np.uint64, sets: int) -> int:
    """Where the set of a value begins."""
    return np.int64((value & np.uint64(sets - 1)) * np.uint64(WAYS))  # type: ignore[return-value]


@inlined
def _tag(value: np.uint64) -> np.uint64:
    """What of a value an entry holds, in its upper 44 bits."""
    return np.uint64(((value >> np.uint64(STAMP_BITS)) | np.uint64(1)) << np.uint64(STAMP_BITS))


@inlined
def _age(entry: np.uint64, floor: int) -> np.uint64:
    """How long after the floor an entry was stamped; 0 where it is dead."""
    age = (entry - np.uint64(floor)) & STAMP_MASK
    return np.uint64(age if entry != np.uint64(0) and age < REACH else 0)


@kernel
def _entry_of(entries: np.ndarray, base: int, tag: np.uint64) -> int:
    """Where in the set that begins at `base` a tag stands; -1 where it does not."""
    found = -1
    for way in range(WAYS - 1, -1, -1):  # all of them, without a branch: four at a time
        found = base + way if entries[base + way] & ~STAMP_MASK == tag else found
    return found


@kernel
def _victim(entries: np.ndarray, base: int, floor: int) -> tuple[int, bool]:
    """Where in a set a new entry goes, and whether a live one must go for it: the oldest."""
    victim, best = base, _age(entries[base], floor)
    for at in range(base + 1, base + WAYS):
        if best == np.uint64(0):
            break
        age = _age(entries[at], floor)
        if age < best:
            victim, best = at, age
    return victim, best != np.uint64(0)


@inlined
def _keep_newer(entries: np.ndarray, at: int, word: np.uint64, floor: int) -> None:
    """A value seen again takes the newer stamp."""
    if (word - np.uint64(floor)) & STAMP_MASK > _age(entries[at], floor):
        entries[at] = word


@kernel
def see(entries: np.ndarray, value: np.uint64, stamp: int, floor: int) -> int:
    """Look a fingerprint up and remember it under `stamp`; entries stamped <= `floor` are dead.

    Returns SEEN, NEW, or NEW_BY_EVICTION where a live entry had to go. `value` is well mixed.
    `entries` are uint64, as `table` makes them.
    """
    base, tag = _first(value, entries.size // WAYS), _tag(value)
    word = tag | (np.uint64(stamp) & STAMP_MASK)
    at = _entry_of(entries, base, tag)
    if at >= 0:
        if _age(entries[at], floor) != np.uint64(0):
            _keep_newer(entries, at, word, floor)
            return SEEN
        entries[at] = word
        return NEW
    at, evicted = _victim(entries, base, floor)
    entries[at] = word
    return NEW_BY_EVICTION if evicted else NEW


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
    base, tag = _first(value, entries.size // WAYS), _tag(value)
    word = tag | (np.uint64(stamp) & STAMP_MASK)
    at = _entry_of(entries, base, tag)
    evicted = False
    if at < 0:
        at, evicted = _victim(entries, base, floor)
    elif _age(entries[at], floor) != np.uint64(0):
        _keep_newer(entries, at, word, floor)
        same = contents[at] == content or contents[at] == np.uint32(0)
        return SEEN if same else OTHER
    entries[at] = word
    contents[at] = content
    return NEW_BY_EVICTION if evicted else NEW


@kernel
def unsee(entries: np.ndarray, value: np.uint64) -> None:
    """Forget a fingerprint; as it is where it is not known. `entries` are uint64, as `table` makes them."""
    base, tag = _first(value, entries.size // WAYS), _tag(value)
    for at in range(base, base + WAYS):
        if entries[at] & ~STAMP_MASK == tag:
            entries[at] = np.uint64(0)
