"""Eight bytes at a time: unaligned loads and byte searches inside a 64-bit word, for compiled kernels.

Words are little-endian, as on every platform numba supports. The searches are the classic
"find a zero byte" tricks; a false hit can only lie above a true one, so the lowest hit is exact.
Source: S. E. Anderson, Bit Twiddling Hacks, "Determine if a word has a byte less than n".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from detectors.kernels.compiled import kernel

ONES = np.uint64(0x0101010101010101)
TOPS = np.uint64(0x8080808080808080)
_QUOTES = np.uint64(0x2222222222222222)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_SPACES = np.uint64(0x2020202020202020)
_THREE = np.uint64(3)


@intrinsic
def word_at(typing: Any, buffer: Any, index: Any) -> Any:
    """Eight bytes of `buffer` from `index` as one uint64; the caller knows that they are there."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, args[0])
        place = builder.gep(array.data, [args[1]])
        kind = context.get_value_type(types.uint64).as_pointer()
        load = builder.load(builder.bitcast(place, kind))
        load.align = 1
        return load

    return types.uint64(buffer, types.int64), generate


@intrinsic
def _trailing_zeros(typing: Any, word: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


@intrinsic
def leading_zeros(typing: Any, word: Any) -> Any:
    """How many high bits of a uint64 are zero."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], context.get_constant(types.boolean, False))

    return types.uint64(types.uint64), generate


@kernel
def lowest(hits: np.uint64) -> np.int64:
    """Index (0 to 7) of the lowest byte whose top bit is set; `hits` is not 0."""
    return np.int64(_trailing_zeros(hits) >> _THREE)


@kernel
def quotes(word: np.uint64) -> np.uint64:
    """Top bit of the lowest byte that is a double quote; 0 if none is."""
    diff = word ^ _QUOTES
    return (diff - ONES) & ~diff & TOPS


@kernel
def specials(word: np.uint64) -> np.uint64:
    """Top bit of the lowest byte that ends or breaks a plain string: quote, backslash, control, non-ASCII."""
    slash = word ^ _BACKSLASHES
    found = ((slash - ONES) & ~slash) | ((word - _SPACES) & ~word) | word
    return (found & TOPS) | quotes(word)


@kernel
def ones(word: np.uint64) -> int:
    """How many bits are set."""
    count = 0
    word = np.uint64(word)
    while word != np.uint64(0):
        word &= word - np.uint64(1)
        count += 1
    return count
