"""The fast way: plain JSON records parsed straight into rows, by one compiled kernel.

Plain is: one flat object, at most one space between tokens, no property twice; strings of ASCII
without escapes; numbers short enough to be read exactly; optional properties valid, null or empty,
or whole numbers out of their range.
At the first doubt, or error of any sort, the record is left to the slow way, which alone rejects.
So a record gets the same result either way.
"""

from __future__ import annotations

import numpy as np

from detectors.contract.request_event import TEMPLATE
from detectors.decode.fingerprints import seal
from detectors.decode.tables import (
    CREATED,
    CREATED_PROPERTY,
    DEMANDED,
    HASH_BITS,
    INGEST,
    REQUIRED,
    ROW,
    TIME,
    Cells,
    Tables,
)
from detectors.decode.values import is_null, skip_bare, store_bare, store_string
from detectors.kernels.compiled import kernel
from detectors.kernels.words import lowest, quotes, specials, word_at

PADDING = 32  # zero bytes behind the last record: a word may be loaded there, and none parses

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_HASH_SHIFT = np.uint64(64 - HASH_BITS)
_QUOTE, _SPACE, _COMMA, _COLON, _OPEN, _CLOSE = 34, 32, 44, 58, 123, 125


@kernel
def _plain_end(buffer: np.ndarray, at: int, stop: int) -> int:
    """Where the string that goes on at `at` has its closing quote; -1 if it is not plain."""
    while at < stop:
        hits = specials(word_at(buffer, at))
        if hits != _ZERO:
            at += lowest(hits)
            return at if buffer[at] == _QUOTE else -1
        at += 8
    return -1


@kernel
def _name_at(buffer: np.ndarray, at: int, stop: int, t: Tables) -> tuple[int, int]:
    """The property whose name begins at `at` (-1: not ours) and its closing quote (-1: not plain)."""
    w0, w1, w2 = word_at(buffer, at), _ZERO, _ZERO
    hits = quotes(w0)
    if hits != _ZERO:
        count = lowest(hits)
        w0 &= t.masks[1 + count]
    else:
        w1 = word_at(buffer, at + 8)
        hits = quotes(w1)
        if hits != _ZERO:
            count = lowest(hits)
            w1 &= t.masks[1 + count]
            count += 8
        else:
            w2 = word_at(buffer, at + 16)
            hits = quotes(w2)
            if hits == _ZERO:
                return -1, _plain_end(buffer, at, stop)
            count = lowest(hits)
            w2 &= t.masks[1 + count]
            count += 16
    end = at + count
    prop = t.slots[(w0 * t.factors[0] + w1 * t.factors[1] + w2 * t.factors[2]) >> _HASH_SHIFT]
    if prop >= 0 and t.names[prop, 0] == w0 and t.names[prop, 1] == w1 and t.names[prop, 2] == w2:
        if buffer[end - 1] == 0:  # a zero byte would pass for the padding behind a name
            return -1, -1
        return prop, end
    return -1, _plain_end(buffer, at, stop)


@kernel
def _record(
    buffer: np.ndarray, at: int, stop: int, row: int, cells: Cells, t: Tables
) -> tuple[bool, np.uint64, np.uint64]:
    """Parse one record into its row: whether it was plain and valid; what was unknown, what unusable."""
    seen, unknown, unusable = _ZERO, _ZERO, _ZERO
    if buffer[at] != _OPEN:
        return False, unknown, unusable
    at += 1
    while at < stop:
        if buffer[at] == _SPACE:
            at += 1
        if buffer[at] != _QUOTE:
            return False, unknown, unusable
        prop, end = _name_at(buffer, at + 1, stop, t)
        if end < 0 or buffer[end + 1] != _COLON:
            return False, unknown, unusable
        at = end + 2
        if buffer[at] == _SPACE:
            at += 1
        if prop >= 0:
            bit = _ONE << np.uint64(prop)
            if seen & bit != _ZERO:
                return False, unknown, unusable
            seen |= bit
            if buffer[at] == _QUOTE:
                at += 1
                end = _plain_end(buffer, at, stop)
                if end < 0 or t.kind[prop] > TEMPLATE:
                    return False, unknown, unusable
                if end == at:
                    unknown |= bit
                elif not store_string(buffer, at, end - at, prop, row, cells, t):
                    return False, unknown, unusable
                at = end + 1
            elif is_null(buffer, at):
                unknown |= bit
                at += 4
            else:
                at = store_bare(buffer, at, prop, row, cells, t)
                if at < -1:
                    unusable |= bit
                    at = ~at
        elif buffer[at] == _QUOTE:
            at = _plain_end(buffer, at + 1, stop)
            if at >= 0:
                at += 1
        else:
            at = skip_bare(buffer, at)
        if at < 0:
            return False, unknown, unusable
        if buffer[at] == _SPACE:
            at += 1
        if buffer[at] == _COMMA:
            at += 1
        elif buffer[at] == _CLOSE and at + 1 == stop:
            required = t.masks[REQUIRED]
            good = seen & required == required and unknown & t.masks[DEMANDED] == _ZERO
            return good, unknown | unusable, unusable
        else:
            return False, unknown, unusable
    return False, unknown, unusable  # it goes on into the next record


@kernel
def _too_new(row: int, stamp: int, future_ms: int, cells: Cells, t: Tables) -> bool:
    """Whether an event lies too far ahead of its record's timestamp, or else of its ingest_time."""
    if stamp < 0:
        stamp = cells.words[row, t.fixed[INGEST]]
    return stamp >= 0 and cells.words[row, t.fixed[TIME]] - future_ms > stamp


@kernel
def _before_sign_up(row: int, cells: Cells, t: Tables) -> bool:
    """Whether an account is said to be younger than its own event: then its age is not known."""
    if cells.words[row, t.fixed[CREATED]] <= cells.words[row, t.fixed[TIME]]:
        return False
    cells.words[row, t.fixed[CREATED]] = -1
    return True


@kernel
def decode_plain(
    buffer: np.ndarray,
    starts: np.ndarray,
    stamps: np.ndarray,
    limits: np.ndarray,
    cells: Cells,
    t: Tables,
    key: np.ndarray,
    counts: np.ndarray,
    done: np.ndarray,
) -> None:
    """Parse every record that is plain into its row, and mark it in `done` (uint8 per record).

    `buffer` uint8, padded; `starts` int64[n + 1]; `stamps` int64[n], -1 not known; `limits` int64[2],
    most bytes and future_ms; `key` uint64[2], the hash key's halves; `counts` int64[2, properties]: in
    how many of the records done each was not known, and in how many of these because it was unusable.
    """
    for row in range(starts.size - 1):
        start, stop = starts[row], starts[row + 1]
        if stop - start > limits[0]:
            continue
        plain, lacking, unusable = _record(buffer, start, stop, row, cells, t)
        if not plain or _too_new(row, stamps[row], limits[1], cells, t):
            continue
        if _before_sign_up(row, cells, t):
            bit = _ONE << np.uint64(t.fixed[CREATED_PROPERTY])
            lacking |= bit
            unusable |= bit
        cells.halves[row, t.fixed[ROW]] = row
        seal(buffer, row, cells, t, key[0], key[1])
        done[row] = 1
        if lacking != _ZERO:
            for prop in range(counts.shape[1]):
                counts[0, prop] += np.int64((lacking >> np.uint64(prop)) & _ONE)
                counts[1, prop] += np.int64((unusable >> np.uint64(prop)) & _ONE)
