"""One property's value, from plain JSON text into its cell. Invalid or in doubt: no, and nothing counts.

A refused value may leave its cell changed: the slow way writes the whole row anew.
"""

from __future__ import annotations

import numpy as np

from detectors.contract.request_event import (
    CHOICE,
    COUNTRY,
    FLAG,
    MONEY,
    REAL,
    SHORT,
    TEMPLATE,
    TEXT,
    VERSION,
    WHOLE,
)
from detectors.decode.numbers import real_at, whole_at
from detectors.decode.tables import HAS_TEMPLATE, REQUIRED, Cells, Tables
from detectors.kernels.compiled import kernel
from detectors.kernels.words import word_at

_ZERO = np.uint64(0)
_NULL, _TRUE = np.uint64(0x6C6C756E), np.uint64(0x65757274)
_FALSE = np.uint64(0x65736C6166)
_FOUR, _FIVE = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFFFF)
_MICRO = 1e6
_MONEY_END = 2.0**63


@kernel
def is_null(buffer: np.ndarray, at: int) -> bool:
    """Whether the value is null. `buffer` is uint8."""
    return word_at(buffer, at) & _FOUR == _NULL


@kernel
def _letters(buffer: np.ndarray, at: int) -> np.int64:
    """Two capital letters packed into 16 bits; 0 if they are not."""
    a, b = np.int64(buffer[at]), np.int64(buffer[at + 1])
    return (a << 8) | b if 65 <= a <= 90 and 65 <= b <= 90 else np.int64(0)


@kernel
def _hexadecimal(buffer: np.ndarray, at: int) -> tuple[np.uint64, bool]:
    """The value of 16 lower-case hex digits, and whether they are that."""
    value = _ZERO
    good = True
    for i in range(16):
        c = np.int64(buffer[at + i])
        digit = c - 48 if c < 58 else c - 87
        if not (48 <= c <= 57 or 97 <= c <= 102):
            good = False
        value = (value << np.uint64(4)) | np.uint64(digit & 15)
    return value, good


@kernel
def store_string(
    buffer: np.ndarray, at: int, size: int, prop: int, row: int, cells: Cells, t: Tables
) -> bool:
    """Store a plain, non-empty string value; False if it is not valid for its property.

    `buffer` is uint8.
    """
    kind = t.kind[prop]
    if size > t.high[prop]:
        return False
    if kind == TEXT:
        cells.halves[row, t.at[prop]] = at
        cells.shorts[row, t.size[prop]] = size
        return True
    if size < t.low[prop]:
        return False
    if kind == CHOICE:
        w0, w1 = word_at(buffer, at), _ZERO
        if size > 8:
            w1 = word_at(buffer, at + 8) & t.masks[1 + size - 8]
        else:
            w0 &= t.masks[1 + size]
        first = t.choice[prop, 0]
        for i in range(first, t.choice[prop, 1]):
            if t.values[i, 0] == w0 and t.values[i, 1] == w1:
                cells.octets[row, t.slot[prop]] = i - first
                return True
        return False
    if kind == COUNTRY:
        letters = _letters(buffer, at)
        cells.shorts[row, t.slot[prop]] = letters
        return letters != 0
    if kind == TEMPLATE:
        value, good = _hexadecimal(buffer, at)
        cells.words[row, t.slot[prop]] = np.int64(value)
        cells.octets[row, t.fixed[HAS_TEMPLATE]] = 1
        return good
    return False


@kernel
def store_bare(buffer: np.ndarray, at: int, prop: int, row: int, cells: Cells, t: Tables) -> int:
    """Store a number, true or false; returns where it ends, -1 if it is not valid for its property.

    An optional whole number out of its range is not known: its end is then given inverted, -2 or less.
    All events of a producer may be so (a time in other units), too many for the slow way. `buffer` is
    uint8.
    """
    kind = t.kind[prop]
    if kind in (WHOLE, SHORT, VERSION):
        whole, end = whole_at(buffer, at)
        if whole < t.low[prop] or whole > t.high[prop]:
            required = t.masks[REQUIRED] >> np.uint64(prop) & np.uint64(1)
            return ~end if kind == WHOLE and end >= 0 and required == _ZERO else -1
        if kind == WHOLE:
            cells.words[row, t.slot[prop]] = whole
        elif kind == SHORT:
            cells.halves[row, t.slot[prop]] = whole
        return end
    if kind in (REAL, MONEY):
        real, end = real_at(buffer, at)
        if real < t.least[prop] or real > t.most[prop]:
            return -1
        if kind == REAL:
            cells.reals[row, t.slot[prop]] = real
        else:
            micro = np.rint(real * _MICRO)
            if micro >= _MONEY_END:
                return -1
            cells.words[row, t.slot[prop]] = np.int64(micro)
        return end
    if kind == FLAG:
        word = word_at(buffer, at)
        if word & _FOUR == _TRUE:
            cells.octets[row, t.slot[prop]] = 1
            return at + 4
        if word & _FIVE == _FALSE:
            cells.octets[row, t.slot[prop]] = 0
            return at + 5
    return -1


@kernel
def skip_bare(buffer: np.ndarray, at: int) -> int:
    """Where a number, true or false of a property that is not ours ends; -1 if in doubt.

    `buffer` is uint8.
    """
    word = word_at(buffer, at)
    if word & _FOUR == _TRUE or word & _FOUR == _NULL:
        return at + 4
    if word & _FIVE == _FALSE:
        return at + 5
    return real_at(buffer, at)[1]
