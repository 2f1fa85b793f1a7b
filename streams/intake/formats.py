"""The formats that the intake reads: how a body becomes raw records, and how one is mapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from streams.intake.bodies import RawRecord, json_records
from streams.intake.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of gateway record. `accounts`: expressions tried for the account, the first that gives one."""

    name: str
    records: Callable[[bytes], Iterator[RawRecord]]
    mapping: Mapping
    accounts: tuple[str, ...]


def shipped() -> Named[str, Format]:
    """The formats that come with hydrawatch, by name."""
    trivial = {n: n for n in ("event_id", "event_time", "model", "input_tokens", "output_tokens")}
    return MappingProxyType(
        {"events": Format("events", json_records, Mapping.of(trivial), ("account_id",))}
    )


SHIPPED: Final = shipped()
