"""Records between stages: who sends which tick, in how many parts, and what cannot be read."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from detectors.errors import ContractError


class Head(Protocol):
    """What the record of every part begins with."""

    @property
    def format(self) -> int:
        """Its version."""
        ...


Part = TypeVar("Part", bound=Head)


def read(decoder: msgspec.msgpack.Decoder[Part], record: bytes, what: str, version: int) -> Part:
    """The part that a record holds. Raises ContractError for bytes that no sender wrote."""
    try:
        part = decoder.decode(record)
    except msgspec.MsgspecError as error:
        raise ContractError(f"{what} cannot be read: {error}") from error
    if part.format != version:
        raise ContractError(f"{what} of format {part.format}; this version reads {version}")
    return part
