"""JSON numbers read out of a buffer by compiled kernels, exactly as Python would read them.

What a reader cannot take exactly and surely it refuses (`at` becomes -1): the slow way decides.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import kernel
from detectors.kernels.words import leading_zeros

_PLUS, _MINUS, _POINT, _NOUGHT, _E, _SMALL_E = 43, 45, 46, 48, 69, 101
MOST_DIGITS = 18
_LIMIT = np.int64(10**MOST_DIGITS)
_EXACT = np.int64(2**53)
_LARGEST_SCALE = 30
_LOW32, _BITS9 = np.uint64(0xFFFFFFFF), np.uint64(0x1FF)
_32, _9, _63 = np.uint64(32), np.uint64(9), np.uint64(63)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


def _reciprocals() -> np.ndarray:
    """5^-s for s in 0..30, normalised to 128 bits and cut off: high and low words, uint64[31, 2]."""
    table = np.empty((_LARGEST_SCALE + 1, 2), np.uint64)
    for scale in range(_LARGEST_SCALE + 1):
        five = 5**scale
        value = (1 << (127 + five.bit_length())) // five
        value >>= value.bit_length() - 128
        table[scale] = value >> 64, value & (2**64 - 1)
    return table


# A kernel's tables are fixed when it is compiled; these are mathematics and never change.
_FIVES = _reciprocals()
_TENS = np.array([float(10**scale) for scale in range(23)])
_TWO_BIAS = 200
_TWOS = np.array([2.0**power for power in range(-_TWO_BIAS, 100)])


@kernel
def _digits_at(buffer: np.ndarray, at: int, value: np.int64) -> tuple[np.int64, int]:
    """Read digits on to `value`: what it is then and where they end, or (0, -1) where they are too many."""
    digit = np.int64(buffer[at]) - 48
    while 0 <= digit <= 9:
        if value >= _LIMIT // 10:
            return np.int64(0), -1
        value = value * 10 + digit
        at += 1
        digit = np.int64(buffer[at]) - 48
    return value, at


@kernel
def _signed_at(buffer: np.ndarray, at: int) -> tuple[bool, np.int64, int]:
    """Read a sign and digits: whether there was a minus, the digits' value and where they end.

    They end at -1 where there is no digit or too many, and where a zero stands before others.
    """
    negative = buffer[at] == _MINUS
    if negative:
        at += 1
    start = at
    value, at = _digits_at(buffer, at, np.int64(0))
    if at <= start or (buffer[start] == _NOUGHT and at - start > 1):
        at = -1
    return negative, value, at


@kernel
def whole_at(buffer: np.ndarray, at: int) -> tuple[np.int64, int]:
    """Read an integer of at most 18 digits: its value and where it ends, or (0, -1).

    `buffer` is uint8, with something that is no digit behind the last number.
    """
    negative, value, at = _signed_at(buffer, at)
    if at < 0 or (negative and value == 0):
        return np.int64(0), -1  # "-0" is none
    if buffer[at] == _POINT or buffer[at] == _E or buffer[at] == _SMALL_E:
        return np.int64(0), -1  # 1.0 may still be an integer
    return -value if negative else value, at


@kernel
def _product(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """128-bit product of two 64-bit numbers: high and low words."""
    a0, a1, b0, b1 = a & _LOW32, a >> _32, b & _LOW32, b >> _32
    low = a0 * b0
    middle = a1 * b0 + (low >> _32)
    carry = a0 * b1 + (middle & _LOW32)
    return a1 * b1 + (middle >> _32) + (carry >> _32), a * b


@kernel
def _quotient(digits: int, scale: int) -> float:
    """The double nearest to digits / 10^scale (digits > 0); -1 where the nearest one is in doubt.

    Eisel and Lemire: multiply by a truncated 128-bit reciprocal, and give up where what was cut off
    could change the rounding. Source: D. Lemire, "Number parsing at a gigabyte per second", 2021.
    """
    shift = leading_zeros(np.uint64(digits))
    factor = np.uint64(digits) << shift
    upper, lower = _product(factor, _FIVES[scale, 0])
    if upper & _BITS9 == _BITS9 and lower + factor < lower:
        more, rest = _product(factor, _FIVES[scale, 1])
        middle = lower + more
        if middle < lower:
            upper += _ONE
        if middle + _ONE == _ZERO and upper & _BITS9 == _BITS9 and rest + factor < rest:
            return -1.0
        lower = middle
    if lower == _ZERO and upper & _BITS9 == _ZERO:
        return -1.0  # perhaps a tie
    top = upper >> _63
    mantissa = upper >> (top + _9)
    mantissa = (mantissa + (mantissa & _ONE)) >> _ONE
    # 217706 / 2^16 is log2(10): the power of two below 10^-scale.
    exponent = ((-217706 * scale) >> 16) + 12 - np.int64(shift + (_ONE ^ top))
    return np.float64(np.int64(mantissa)) * _TWOS[exponent + _TWO_BIAS]


@kernel
def real_at(buffer: np.ndarray, at: int) -> tuple[float, int]:
    """Read a number of at most 18 digits, rounded as Python rounds it, or (0.0, -1).

    `buffer` is uint8, with something that is no digit behind the last number.
    """
    negative, digits, at = _signed_at(buffer, at)
    if at < 0:
        return 0.0, -1
    scale = 0
    if buffer[at] == _POINT:
        start = at + 1
        digits, at = _digits_at(buffer, start, digits)
        scale = at - start
        if scale <= 0:
            return 0.0, -1
    if buffer[at] == _E or buffer[at] == _SMALL_E:
        shift, at = _exponent_at(buffer, at + 1)
        scale -= shift
        if at < 0:
            return 0.0, -1
    if digits == 0:
        return 0.0, -1 if negative else at  # -0.0 is the slow way's
    if scale < 0 or scale > _LARGEST_SCALE:
        return 0.0, -1
    if digits <= _EXACT and scale < _TENS.size:
        value = np.float64(digits) / _TENS[scale]  # both exact, so the quotient is rounded once
    else:
        value = _quotient(digits, scale)
        if value < 0.0:
            return 0.0, -1
    return -value if negative else value, at


@kernel
def _exponent_at(buffer: np.ndarray, at: int) -> tuple[np.int64, int]:
    """Read an exponent of one or two digits behind its "e": its value and where it ends, or (0, -1)."""
    sign = buffer[at]
    if sign in (_PLUS, _MINUS):
        at += 1
    start = at
    value, at = _digits_at(buffer, at, np.int64(0))
    if at <= start or at - start > 2:
        return np.int64(0), -1
    return -value if sign == _MINUS else value, at
