"""Templates of the whole stream: wordings of accounts that are nearly equal have one leader.

A wording is looked up among the leaders by four bands of 16 bits, and belongs to the nearest within
`RADIUS`; where there is none it leads itself. As wordings are denoised (`detectors.accounts.wordings`), equal
templates meet within six bits although single prompts lie seventeen apart.

Source: Manku, Jain and Das Sarma, WWW 2007 (bands); leader clustering, Hartigan 1975.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.bands import BAND_BITS, BANDS, band_bits
from detectors.kernels.compiled import kernel
from detectors.kernels.words import ones

LEADER = np.dtype([("word", "<u8"), ("hour", "<i4"), ("next", "<i4", (BANDS,))])
RADIUS = 6
_MOST_HOPS = 64  # along one band: who fills a band with leaders slows nobody down
SILENT_HOURS = 14 * 24


class Leaders:
    """Leaders in order of their first sight, and the index of their bands."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evicted = 0
        self.rows: NDArray[np.void] = np.zeros(1024, LEADER)
        self.count = 0
        self._heads = np.full((BANDS, 1 << BAND_BITS), -1, np.int32)

    def lead(self, words: NDArray[np.uint64], hour: int) -> NDArray[np.uint64]:
        """The leader's word of each wording (uint64, n), in the given order; without one it leads itself."""
        if self.count + words.size > self.rows.size:
            more = np.zeros(self.rows.size + words.size, LEADER)
            self.rows = np.concatenate((self.rows, more))
        leaders = np.zeros(words.size, np.uint64)
        self.count = _lead(self.rows, self.count, self._heads, words, hour, leaders)
        return leaders

    def compact(self, hour: int) -> None:
        """Forget leaders that nobody used for long, and the newest of those that are too many."""
        rows = self.rows[: self.count]
        keep = hour - rows["hour"] <= SILENT_HOURS
        excess = int(np.count_nonzero(keep)) - self.capacity
        if excess > 0:
            last = np.flatnonzero(keep)[-excess:]
            keep[last] = False
            self.evicted += last.size
        if not keep.all():
            self.restore(np.ascontiguousarray(rows[keep]).view(np.uint8))

    @property
    def kept(self) -> NDArray[np.void]:
        """What is to be kept: LEADER rows."""
        return self.rows[: self.count]

    def restore(self, raw: NDArray[np.uint8]) -> None:
        """Go on from kept rows, as bytes."""
        self.rows = raw.view(LEADER).copy()
        self.count = self.rows.size
        self._heads[:] = -1
        _index(self.rows, self.count, self._heads)
        if not self.count:
            self.rows = np.zeros(1024, LEADER)


@kernel
def _link(rows: np.ndarray, row: int, heads: np.ndarray) -> None:
    for band in range(BANDS):
        place = np.int64(band_bits(rows[row].word, band))
        rows[row].next[band] = heads[band, place]
        heads[band, place] = row


@kernel
def _index(rows: np.ndarray, count: int, heads: np.ndarray) -> None:
    for row in range(count):
        _link(rows, row, heads)


@kernel
def _nearest(rows: np.ndarray, heads: np.ndarray, word: np.uint64) -> int:
    best, distance = -1, RADIUS + 1
    for band in range(BANDS):
        at = heads[band, np.int64(band_bits(word, band))]
        hops = 0
        while at >= 0 and hops < _MOST_HOPS:
            apart = ones(rows[at].word ^ word)
            if apart < distance or (apart == distance and best > at):
                best, distance = at, apart
            at = rows[at].next[band]
            hops += 1
    return best


@kernel
def _lead(
    rows: np.ndarray,
    count: int,
    heads: np.ndarray,
    words: np.ndarray,
    hour: int,
    leaders: np.ndarray,
) -> int:
    for i in range(words.size):
        row = _nearest(rows, heads, words[i])
        if row < 0:
            row = count
            rows[row].word = words[i]
            _link(rows, row, heads)
            count += 1
        rows[row].hour = hour
        leaders[i] = rows[row].word
    return count
