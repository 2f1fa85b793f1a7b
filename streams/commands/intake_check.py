"""`hydrawatch intake check`: what would become of a file of gateway records, record by record, and why."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Any, Final

import orjson

from detectors.contract.request_event import PROPERTIES
from detectors.errors import ConfigError
from hydrawatch.fingerprints import Keys
from streams.commands.intake_options import keys_of
from streams.intake.convert import Converter, Result
from streams.intake.formats import SHIPPED, with_files
from streams.intake.outcome import Event, Refused
from streams.records.gateway_files import bodies
from streams.settings.settings import Settings
from streams.terminal import console, json_of, shown

# Digests that nobody will compare with others: to look at records needs no secret.
_NO_SECRET: Final = Keys(b"hydrawatch-check-no-secret", 0)
_SHOWN: Final = ("account_id", "model", "input_tokens", "output_tokens", "status")
_OF_DIRECTORY: Final = ("payment_fp", "device_fp", "account_created_at", "account_tier")


def run(
    settings: Settings,
    file: str,
    format: str,  # noqa: A002
    account: str | None,
    limit: int,
    as_json: bool,
) -> int:
    """Show it; 1 where records are refused, or nothing is a request. Raises ConfigError, EventFileError."""
    name, formats = chosen(format)
    keys = _NO_SECRET
    if settings.intake_key is not None or settings.intake_key_file is not None:
        keys = keys_of(settings)
    converter = Converter(keys=keys, account=account, mappings=formats, stamp=False)
    converter.convert(name, b"{}", received_ms=0)  # what cannot be used is said at once
    seen = _Seen()
    position = 0
    for body in bodies(file):
        now = time.time_ns() // 1_000_000
        count = 0
        for result in converter.results(name, body, received_ms=now):
            seen.take(result)
            if as_json:
                sys.stdout.write(json_of(_facts(position + result.position, result)) + "\n")
            elif position + count < limit:
                console(soft_wrap=True).print(_line(position + result.position, result))
            count += 1
        position += count
    if as_json:
        sys.stdout.write(json_of({"summary": seen.facts()}) + "\n")
        sys.stdout.flush()
    else:
        seen.show(position, limit)
    return 1 if seen.refused or not seen.events else 0


def chosen(format: str) -> tuple[str, Any]:  # noqa: A002
    """The name of a format and the formats it is among: one that is shipped, or a mapping file's."""
    formats: Any = SHIPPED
    if format.endswith(".toml"):
        formats = with_files([format])
        return next(n for n in formats if n not in SHIPPED), formats
    if format not in SHIPPED:
        raise ConfigError(
            f"--format {format}: is no format; known are {', '.join(SHIPPED)}, and the path of a "
            "mapping file (.toml)"
        )
    return format, formats


class _Seen:
    """What was seen of a file."""

    def __init__(self) -> None:
        self.events = 0
        self.accounts: set[bytes] = set()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.passed_over: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()
        self.known: Counter[str] = Counter()

    def take(self, result: Result) -> None:
        what = result.what
        if isinstance(what, Event):
            self.events += 1
            self.accounts.add(what.key)
            self.unusable.update(result.unusable)
            self.known.update(
                name for name, value in orjson.loads(what.value).items() if value is not None
            )
        elif isinstance(what, Refused):
            self.refused[what.reason, what.detail] += 1
        else:
            self.passed_over[what.reason] += 1

    def facts(self) -> dict[str, Any]:
        return {
            "events": self.events,
            "accounts": len(self.accounts),
            "refused": {f"{reason}: {detail}": n for (reason, detail), n in self.refused.items()},
            "passed_over": dict(self.passed_over),
            "unusable_properties": dict(self.unusable),
            "known_properties": {n: self.known[n] for n in self._properties() if self.known[n]},
            "unknown_properties": [n for n in self._properties() if not self.known[n]],
        }

    def _properties(self) -> list[str]:
        own = ("schema_version", "id_epoch", "ingest_time")
        return [p.name for p in PROPERTIES if p.name not in own]

    def show(self, records: int, limit: int) -> None:
        out = console(soft_wrap=True)
        if records > limit:
            out.print(f"... and {records - limit:,} more records")
        out.print(
            f"{records:,} records: {self.events:,} events of {len(self.accounts):,} accounts, "
            f"{self.refused.total():,} refused, {self.passed_over.total():,} passed over"
        )
        for (reason, detail), count in self.refused.most_common():
            out.print(f"refused {count:,}: {reason} ({shown(detail)})")
        for reason, count in self.passed_over.most_common():
            out.print(f"passed over {count:,}: {reason}")
        for name, count in self.unusable.most_common():
            out.print(f"not usable {count:,}: {name}, which is as if it were not known")
        if not self.events:
            return
        facts = self.facts()
        said = ", ".join(
            name if count == self.events else f"{name} ({100 * count // self.events} %)"
            for name, count in facts["known_properties"].items()
        )
        out.print(f"known: {said}")
        out.print(f"never known: {', '.join(facts['unknown_properties'])}")
        if not any(self.known[name] for name in _OF_DIRECTORY):
            out.print("advice: observe at most, without an account directory (docs/gateways.md)")


def _facts(position: int, result: Result) -> dict[str, Any]:
    what = result.what
    if isinstance(what, Event):
        return {
            "record": position,
            "becomes": "event",
            "event": orjson.loads(what.value),
            "unusable": list(result.unusable),
        }
    if isinstance(what, Refused):
        return {
            "record": position,
            "becomes": "refused",
            "reason": what.reason,
            "detail": what.detail,
        }
    return {"record": position, "becomes": "passed_over", "reason": what.reason}


def _line(position: int, result: Result) -> str:
    what = result.what
    if isinstance(what, Event):
        event = orjson.loads(what.value)
        said = [f"{name} {event.get(name)}" for name in _SHOWN if name in event]
        said += [f"not usable: {name}" for name in result.unusable]
        return f"{position:>6}  event        {shown(', '.join(said))}"
    if isinstance(what, Refused):
        return f"{position:>6}  refused      {what.reason}: {shown(what.detail)}"
    return f"{position:>6}  passed over  {what.reason}"
