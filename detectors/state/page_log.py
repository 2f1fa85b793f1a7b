"""Which pages of a state changed since it was last written, and how old pages are carried along.

A state is written as a log: each entry holds the pages that changed, told by a 64-bit hash of each
(a change goes unseen once in 10^19). A log that only ever grew could not be kept, so each entry
also repeats some of the pages written longest ago; whatever lies before the oldest entry that still
holds a page in its newest form may be deleted. That is the cleaning of a log-structured file system
(Rosenblum & Ousterhout, SOSP 1991), first in, first out. The log stays below `BOUND` times the
state, and a hot page costs the same as a cold one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from detectors.kernels.arena import append
from detectors.kernels.compiled import kernel

PAGE = 1024
SLICE = 768  # pages of a change: a record stays under 1 MB, however badly it compresses
EASE, BOUND = 2, 4  # times the live bytes: from where old pages are repeated, and at all cost
SLACK = 8 << 20


class Change(NamedTuple):
    """Pages of one table: their numbers, and their bytes one after another (the last may be short)."""

    table: str
    pages: np.ndarray  # uint32
    data: np.ndarray  # uint8, PAGE bytes a page


class Entry(NamedTuple):
    """One entry of the log: which pages it holds. With the entries from `since` on it holds all."""

    number: int
    since: int
    sizes: dict[str, int]  # bytes of each table
    pages: dict[str, np.ndarray]
    digest: int  # of all pages, so that what is read back can be compared

    def changes(self, tables: dict[str, np.ndarray]) -> Iterator[Change]:
        """The pages' bytes, out of the tables that the entry is of, a few hundred pages at a time.

        Tables are of any dtype, the bytes uint8.
        """
        for name, pages in self.pages.items():
            for at in range(0, pages.size, SLICE):
                some = pages[at : at + SLICE]
                data = np.zeros(some.size * PAGE, np.uint8)
                gather(tables[name].view(np.uint8), some, data)
                yield Change(name, some.astype(np.uint32), data)


class PageLog:
    """The hashes of one stage's pages, and in which entry each was written."""

    def __init__(self) -> None:
        self.number = 0  # of the last entry
        self._hashes: dict[str, np.ndarray] = {}
        self._written: dict[str, np.ndarray] = {}
        self._bytes: dict[int, int] = {}  # of each entry

    def restart(self) -> None:
        """The last entry may not have been kept: the next one holds every page."""
        self._hashes, self._written, self._bytes = {}, {}, {}

    def adopt(self, number: int, since: int, tables: dict[str, np.ndarray]) -> int:
        """Go on from a state that was read back from entries `since` to `number`; gives its digest.

        Tables are of any dtype.
        """
        self.restart()
        self.number = number
        self._look(tables)
        for written in self._written.values():
            written[:] = since  # or later: which entry holds a page is not known any more
        self._bytes = {since: EASE * self._live()}
        return self._digest()

    def entry(self, tables: dict[str, np.ndarray]) -> Entry:
        """The next entry, for the state as it is now. Tables are of any dtype."""
        self.number += 1
        changed = self._look(tables)
        self._carry(changed)
        for name, pages in changed.items():
            self._written[name][pages] = self.number
        self._bytes[self.number] = sum(p.size for p in changed.values()) * PAGE
        since = self._since()
        self._bytes = {n: size for n, size in self._bytes.items() if n >= since}
        sizes = {name: rows.nbytes for name, rows in tables.items()}
        return Entry(self.number, since, sizes, changed, self._digest())

    def _look(self, tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Hash every page; returns the numbers of those that changed, per table."""
        changed = {}
        for name, rows in tables.items():
            count = -(-rows.nbytes // PAGE)
            self._hashes[name] = _resized(self._hashes.get(name), count, np.uint64)
            self._written[name] = _resized(self._written.get(name), count, np.uint32)
            found = np.zeros(count, np.int64)
            seen = look(rows.view(np.uint8), _words(rows), self._hashes[name], found)
            changed[name] = found[:seen]
        return changed

    def _carry(self, changed: dict[str, np.ndarray]) -> None:
        """Add pages written longest ago to those that changed, as the log's length demands."""
        new = sum(p.size for p in changed.values()) * PAGE
        log, live = sum(self._bytes.values()) + new, self._live()
        if log <= EASE * live + SLACK:
            return
        room = max(new, SLACK // 8) if log <= BOUND * live + SLACK else live
        for oldest in sorted(self._bytes):
            for name, hashes in self._hashes.items():
                old = np.flatnonzero((self._written[name] == oldest) & (hashes != 0))
                old = np.setdiff1d(old, changed[name])[: max(room // PAGE, 0)]
                changed[name] = np.union1d(changed[name], old)
                room -= old.size * PAGE
            log -= self._bytes[oldest]
            if room <= 0 or log <= EASE * live:
                return

    def _since(self) -> int:
        """The oldest entry that still holds a page in its newest form."""
        oldest = self.number
        for name, hashes in self._hashes.items():
            written = self._written[name][hashes != 0]
            if written.size:
                oldest = min(oldest, int(written.min()))
        return oldest

    def _live(self) -> int:
        return sum(int(np.count_nonzero(h)) for h in self._hashes.values()) * PAGE

    def _digest(self) -> int:
        total = 0
        for name in sorted(self._hashes):
            total = (total * 1_000_003 + int(fold(self._hashes[name]))) & ((1 << 64) - 1)
        return total


def _resized(old: np.ndarray | None, count: int, kind: type) -> np.ndarray:
    rows: np.ndarray = np.zeros(count, kind)
    if old is not None:
        both = min(count, old.size)
        rows[:both] = old[:both]
    return rows


def _words(rows: np.ndarray) -> np.ndarray:
    raw = rows.view(np.uint8)
    return raw[: raw.size // 8 * 8].view(np.uint64)


@kernel
def look(raw: np.ndarray, words: np.ndarray, hashes: np.ndarray, changed: np.ndarray) -> int:
    """Hash each page (0: all zero) and note those whose hash moved; returns how many.

    `raw` is the table's uint8, `words` the same as uint64, `hashes` (uint64) one a page; `changed`
    (int64) receives numbers of pages.
    """
    count = 0
    per_page = PAGE // 8
    multiplier = np.uint64(0x9E3779B97F4A7C15)
    for page in range(hashes.size):
        start = page * per_page
        stop = min(start + per_page, words.size)
        one, two = np.uint64(page + 1), np.uint64(~page)
        three, four = np.uint64(0x51ED270B), np.uint64(0xC4CEB9FE)
        filled = np.uint64(0)
        at = start
        # four chains at once: one alone would wait for its multiplications
        while at + 4 <= stop:
            a, b, c, d = words[at], words[at + 1], words[at + 2], words[at + 3]
            filled |= a | b | c | d
            one = (one ^ a) * multiplier
            one ^= one >> np.uint64(29)
            two = (two ^ b) * multiplier
            two ^= two >> np.uint64(29)
            three = (three ^ c) * multiplier
            three ^= three >> np.uint64(29)
            four = (four ^ d) * multiplier
            four ^= four >> np.uint64(29)
            at += 4
        while at < stop:
            filled |= words[at]
            one = (one ^ words[at]) * multiplier
            one ^= one >> np.uint64(29)
            at += 1
        if stop == words.size:
            for i in range(words.size * 8, min(raw.size, (page + 1) * PAGE)):
                filled |= np.uint64(raw[i])
                two = (two ^ np.uint64(raw[i])) * multiplier
                two ^= two >> np.uint64(29)
        value = np.uint64(0)
        if filled != np.uint64(0):
            value = (one + two * np.uint64(3)) ^ ((three + four * np.uint64(5)) * multiplier)
            value ^= value >> np.uint64(31)
            value |= np.uint64(1)
        if value != hashes[page]:
            hashes[page] = value
            changed[count] = page
            count += 1
    return count


@kernel
def fold(hashes: np.ndarray) -> np.uint64:
    """One number for all hashes in their order. `hashes` are uint64."""
    total = np.uint64(hashes.size)
    for i in range(hashes.size):
        total = (total ^ hashes[i]) * np.uint64(0x9E3779B97F4A7C15)
        total ^= total >> np.uint64(29)
    return total


@kernel
def gather(raw: np.ndarray, pages: np.ndarray, data: np.ndarray) -> None:
    """Copy pages of a table (uint8) one after another; `pages` are int64 numbers of them."""
    for i in range(pages.size):
        start = pages[i] * PAGE
        append(data, i * PAGE, raw, start, min(PAGE, raw.size - start))


@kernel
def scatter(raw: np.ndarray, pages: np.ndarray, data: np.ndarray) -> None:
    """Copy pages back to their places; what lies beyond the table's end is left out.

    `raw` and `data` are uint8, `pages` int64 numbers of pages.
    """
    for i in range(pages.size):
        start = pages[i] * PAGE
        append(raw, start, data, i * PAGE, min(PAGE, raw.size - start))
