"""Records between stages: who sends which tick, in how many parts, and what cannot be read."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from detectors.errors import ContractError, OlderFormatError

MAX_RECORD_BYTES = 900_000  # Kafka and Faust take 1 MB by default


class Head(Protocol):
    """What the record of every part begins with."""

    @property
    def format(self) -> int:
        """Its version."""
        ...


class _Format(msgspec.Struct, array_like=True):
    format: int


Part = TypeVar("Part", bound=Head)
_format_of = msgspec.msgpack.Decoder(_Format)


def read(decoder: msgspec.msgpack.Decoder[Part], record: bytes, what: str, version: int) -> Part:
    """The part that a record holds.

    Raises OlderFormatError for what a version before wrote, and ContractError for bytes that no sender
    wrote.
    """
    try:
        found = _format_of.decode(record).format
        if found < version:
            raise OlderFormatError(f"{what} of format {found}; this version reads {version}")
        if found > version:
            raise ContractError(f"{what} of format {found}; this version reads {version}")
        return decoder.decode(record)
    except msgspec.MsgspecError as error:
        raise ContractError(f"{what} cannot be read: {error}") from error
