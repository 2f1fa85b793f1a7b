"""The one function of the intake: a body of gateway records to request events."""

from __future__ import annotations

from collections.abc import Mapping as Named
from typing import TYPE_CHECKING

import jmespath
import orjson

from detectors.errors import ConfigError
from streams.intake.bodies import unpacked
from streams.intake.formats import SHIPPED, Format
from streams.intake.outcome import NAMELESS, Event, Outcome, Problem, Refused

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys


class UnknownFormatError(ConfigError):
    """A format that the intake does not have; the message names those it has."""


class Converter:
    """Converts bodies; stateless between them, but for the directory that it is given."""

    def __init__(
        self,
        *,
        keys: Keys,
        account: str | None = None,
        directory: object | None = None,
        geo: object | None = None,
        mappings: Named[str, Format] = SHIPPED,
    ) -> None:
        self._keys = keys
        self._account = account
        self._formats = mappings

    def convert(
        self,
        format: str,
        body: bytes,
        *,
        received_ms: int,
        content_encoding: str = "",
    ) -> Outcome:
        """What becomes of a body. Raises UnknownFormatError."""
        chosen = self._formats.get(format)
        if chosen is None:
            raise UnknownFormatError(
                f"{format!r} is no format; known are {', '.join(self._formats)}"
            )
        outcome = Outcome()
        plain = unpacked(body, content_encoding)
        if isinstance(plain, Problem):
            outcome.refused.append(Refused(0, plain.reason, plain.detail))
            return outcome
        for position, record in chosen.records(plain):
            if isinstance(record, Problem):
                outcome.refused.append(Refused(position, record.reason, record.detail))
                continue
            raw = next(filter(None, (jmespath.search(a, record) for a in chosen.accounts)), None)
            if not raw:
                outcome.passed_over[NAMELESS] += 1
                continue
            event = {name: e.search(record) for name, e in chosen.mapping.fields.items()}
            event["account_id"] = key = self._keys.digest("account", str(raw))
            outcome.events.append(Event(key.encode(), orjson.dumps(event), event["event_time"]))
        return outcome
