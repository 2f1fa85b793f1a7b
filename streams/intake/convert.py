"""The one function of the intake: a body of gateway records to request events.

Decode, map, privacy gate, digest, join. The way in makes no difference: HTTP, a topic and a file call it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from detectors.contract.request_event import USAGE
from detectors.errors import ConfigError
from streams.intake.bodies import BOM, JsonBodies, RawRecord, unpacked
from streams.intake.content import fingerprints
from streams.intake.directory import Directory
from streams.intake.formats import SHIPPED, Format
from streams.intake.gate import CHECKS
from streams.intake.geo import Geo
from streams.intake.join import join
from streams.intake.mapping_files import account_sources
from streams.intake.outcome import (
    FAILED,
    MISSING,
    NAMELESS,
    NOT_USABLE,
    UNREADABLE,
    Event,
    Outcome,
    PassedOver,
    Problem,
    Refused,
)
from streams.intake.reading import Fields

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys

LEAST_FAILURE: Final = 400  # of HTTP's statuses
# What no event is without, and how it has to be.
_NEEDS: Final = {
    "event_time": "a time, of 2010 or later",
    "model": "the name of the model that was asked or answered",
}


class UnknownFormatError(ConfigError):
    """A format that the intake does not have; the message names those it has."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record. `unusable`: its optional properties that could not be used."""

    position: int
    what: Event | Refused | PassedOver
    unusable: tuple[str, ...]
    known: bool  # to the directory; True without one


class Converter:
    """Converts bodies. It keeps nothing of them but bounded caches of digests.

    `account`: an expression for the account, instead of the format's own. `stamp`: whether events say when
    they were received, as a live stream's do and a file's do not.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        account: str | None = None,
        directory: Directory | None = None,
        geo: Geo | None = None,
        mappings: Named[str, Format] = SHIPPED,
        stamp: bool = True,
    ) -> None:
        self._keys = keys
        self._accounts = None if account is None else account_sources(account)
        self._directory = directory
        self._geo = geo
        self._formats = mappings
        self._stamp = stamp
        self._fields: dict[str, Fields] = {}
        self._taking_apart: dict[str, Callable[[bytes], Iterator[RawRecord]]] = {}

    def convert(
        self,
        format: str,  # noqa: A002  # the word that everybody uses for it
        body: bytes,
        *,
        received_ms: int,
        content_encoding: str = "",
    ) -> Outcome:
        """What becomes of a body. Raises UnknownFormatError, and nothing for what is in it."""
        events: list[Event] = []
        refused: list[Refused] = []
        passed_over: Counter[str] = Counter()
        unusable: Counter[str] = Counter()
        unknown = 0
        fields = self._bound(format)
        for position, record in self._records(format, body, content_encoding):
            what, known = self._one(fields, position, record, received_ms, unusable)
            if isinstance(what, Event):
                events.append(what)
                unknown += not known
            elif isinstance(what, Refused):
                refused.append(what)
            else:
                passed_over[what.reason] += 1
        return Outcome(events, refused, passed_over, unusable, unknown)

    def results(
        self,
        format: str,  # noqa: A002
        body: bytes,
        *,
        received_ms: int,
        content_encoding: str = "",
    ) -> Iterator[Result]:
        """The same record by record, for somebody who looks at it."""
        fields = self._bound(format)
        for position, record in self._records(format, body, content_encoding):
            unusable: Counter[str] = Counter()
            what, known = self._one(fields, position, record, received_ms, unusable)
            yield Result(position, what, tuple(unusable), known)

    def _bound(self, name: str) -> Fields:
        """The format's mapping with the keys, made once."""
        fields = self._fields.get(name)
        if fields is None:
            chosen = self._format(name)
            accounts = self._accounts or chosen.mapping.fields["account_id"]
            fields = self._fields[name] = Fields(chosen.mapping, self._keys, accounts)
            records = chosen.records
            if self._accounts and isinstance(records, JsonBodies):
                records = records.reading(*(source.expression for source in self._accounts))
            self._taking_apart[name] = records
        return fields

    def _format(self, name: str) -> Format:
        try:
            return self._formats[name]
        except KeyError:
            known = ", ".join(self._formats)
            raise UnknownFormatError(
                f"{name!r} is no format; known are {known}, and the path of a mapping file (.toml)"
            ) from None

    def _records(self, name: str, body: bytes, content_encoding: str) -> Iterator[RawRecord]:
        plain = unpacked(body, content_encoding)
        if isinstance(plain, Problem):
            yield 0, plain
            return
        anything = False
        for record in self._taking_apart[name](plain):
            anything = True
            yield record
        if not anything and not plain.removeprefix(BOM).strip():
            yield 0, Problem(UNREADABLE, "an empty body; send records")

    def _one(
        self,
        fields: Fields,
        position: int,
        record: dict[str, Any] | Problem | PassedOver,
        received_ms: int,
        unusable: Counter[str],
    ) -> tuple[Event | Refused | PassedOver, bool]:
        if isinstance(record, Problem):
            return Refused(position, record.reason, record.detail), True
        if isinstance(record, PassedOver):
            return record, True
        try:
            return self._event(fields, position, record, received_ms, unusable)
        except (MemoryError, KeyboardInterrupt):
            raise
        except Exception as error:  # a fault of ours costs the record, and says nothing of it
            return Refused(position, FAILED, f"{type(error).__name__} in the intake"), True

    def _event(
        self,
        fields: Fields,
        position: int,
        record: dict[str, Any],
        received_ms: int,
        unusable: Counter[str],
    ) -> tuple[Event | Refused | PassedOver, bool]:
        if (reason := fields.passed_over(record)) is not None:
            return PassedOver(reason), True
        account = fields.account(record)
        if account is None:
            return PassedOver(NAMELESS), True
        bad: list[str] = []
        event = fields.event(record, bad)
        if fields.at_receipt:
            event.setdefault("event_time", received_ms)
        for name, needed in _NEEDS.items():
            if name not in event:
                why = NOT_USABLE if name in bad else MISSING
                return Refused(position, why, f"{name}: {needed}"), True
        if bad:
            unusable.update(bad)
        _settle_usage(event)
        event["account_id"] = account
        event["id_epoch"] = self._keys.epoch
        if (text := fields.content(record)) is not None:
            for name, value in fingerprints(self._keys, text).items():
                if name not in event and CHECKS[name](value):
                    event[name] = value
        if "event_id" not in event:
            event["event_id"] = self._id_of(event)
        where = None if self._geo is None else fields.address(record)
        known = join(event, self._directory, self._geo, where)
        when = event["event_time"]
        if self._stamp:
            event["ingest_time"] = received_ms
        return Event(account.encode(), orjson.dumps(event), min(when, received_ms)), known

    def _id_of(self, event: dict[str, Any]) -> str:
        """An id of what the record says, where it has none: the same of the same record, sent again."""
        said = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
        return self._keys.digest("event", said.decode())


def _settle_usage(event: dict[str, Any]) -> None:
    """Tokens that a record does not have: 0 where the request was refused, not known where answered."""
    failed = (
        event["status"] >= LEAST_FAILURE
        if "status" in event
        else event.get("error_class") is not None
    )
    get = event.get
    if not failed and not (
        get("input_tokens")
        or get("output_tokens")
        or get("cached_tokens")
        or get("reasoning_tokens")
    ):
        # No model answers without reading or writing a token: zeros of a gateway that counted nothing.
        event["input_tokens"] = event["output_tokens"] = None
        return
    for name in USAGE:
        event.setdefault(name, 0 if failed else None)
