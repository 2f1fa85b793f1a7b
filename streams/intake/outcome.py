"""What became of a body of gateway records: events, refusals, and what was passed over, with counts.

Nothing here holds a value of a record other than what the contract lets through.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

# Why a record made no event although it should have: the only labels of the refusals' counter.
UNREADABLE: Final = (
    "unreadable"  # no JSON (or protobuf), cut short, or compressed otherwise than said
)
TOO_LARGE: Final = "too_large"  # unpacks to more than a body may hold
NOT_AN_OBJECT: Final = "not_an_object"
MISSING: Final = "missing_property"  # the contract requires it and the record has none
NOT_USABLE: Final = "not_usable"  # the contract requires it and what the record has is not valid
FAILED: Final = "failed"  # a fault of ours
REASONS: Final = (UNREADABLE, TOO_LARGE, NOT_AN_OBJECT, MISSING, NOT_USABLE, FAILED)

# Why a record made no event and should not have, beside those that a mapping names.
NAMELESS: Final = "nameless"  # no account: all of them together are no account either
NO_INFERENCE: Final = "no_inference"
COUNTED_WITHIN: Final = "counted_within"  # a span around another of the same request


@dataclass(frozen=True, slots=True)
class Event:
    """A request event as the topic takes it: `key` is account_id, `timestamp_ms` its event_time."""

    key: bytes
    value: bytes
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that made no event: its index in the body, one of `REASONS`, and what to mend.

    `detail` names properties and kinds of values, never a value.
    """

    position: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A piece of a body that is no record: one of `REASONS`, and what to mend."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A piece of a body that is a record and no request: why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a body.

    `passed_over`: records that make no event, by reason. `unusable`: optional properties that were there
    and could not be used, by name. `unknown_accounts`: events whose account the directory does not know.
    """

    events: list[Event] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    unusable: Counter[str] = field(default_factory=Counter)
    unknown_accounts: int = 0
