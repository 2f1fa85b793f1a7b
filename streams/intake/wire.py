"""Protobuf's wire format, taken apart by hand where a request as a whole cannot be parsed.

Source: protobuf, "Encoding". Only what is needed to reach messages within messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_LENGTH: Final = 2
_FIXED: Final = {1: 8, 5: 4}


class TornError(ValueError):
    """Bytes that are no fields, from some place on."""


def messages(of: bytes, number: int) -> Iterator[bytes | TornError]:
    """The messages in field `number`, in order; where what follows is no field, a TornError, and no more."""
    at = 0
    while at < len(of):
        try:
            tag, at = _varint(of, at)
            if tag & 7 == _LENGTH:
                size, at = _varint(of, at)
                end = at + size
            elif tag & 7 in _FIXED:
                end = at + _FIXED[tag & 7]
            elif tag & 7 == 0:
                _, end = _varint(of, at)
            else:
                raise TornError
            if end > len(of) or not tag >> 3:
                raise TornError
        except TornError as torn:
            yield torn
            return
        if tag >> 3 == number and tag & 7 == _LENGTH:
            yield of[at:end]
        at = end


def _varint(of: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(of):
            raise TornError
        byte = of[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise TornError
