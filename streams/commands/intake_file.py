"""`hydrawatch intake file`: a file of gateway records to a file of request events."""

from __future__ import annotations

import gzip
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, cast

from detectors.errors import ConfigError
from streams.commands.intake_check import chosen
from streams.commands.intake_options import keys_of
from streams.intake.convert import Converter
from streams.intake.directory import read_directory
from streams.intake.geo import Geo
from streams.intake.outcome import Outcome, Refused
from streams.records.event_files import overwrites
from streams.records.gateway_files import bodies
from streams.records.progress import watched
from streams.settings.settings import Settings
from streams.terminal import JsonLines, console, json_of, shown


def run(
    settings: Settings,
    file: str,
    format: str,  # noqa: A002
    out: str,
    account: str | None,
    directory: str | None,
    digest_ids: bool,
    geo: list[str],
    as_json: bool,
) -> int:
    """Convert `file`; 1 where nothing of it is an event. Raises ConfigError, EventFileError."""
    for source in (file, directory):
        if source is not None and overwrites(out, source):
            raise ConfigError(f"--out {out}: is what is read ({source}); give another file")
    name, formats = chosen(format)
    keys = keys_of(settings)
    known = None
    if directory is not None:
        known = read_directory(directory, keys if digest_ids else None)
    converter = Converter(
        keys=keys,
        account=account,
        directory=known,
        geo=Geo(*geo) if geo else None,
        mappings=formats,
        stamp=False,
    )
    converter.convert(name, b"{}", received_ms=0)  # what cannot be used is said at once
    seen = _Seen()
    with _output(out) as events, watched("intake", lambda: seen.events, as_json) as moved:
        for body in bodies(file, moved):
            outcome = converter.convert(name, body, received_ms=time.time_ns() // 1_000_000)
            for event in outcome.events:
                events.write(event.value + b"\n")
            seen.count(outcome)
    facts = {
        "records": seen.records,
        "events": seen.events,
        "refused": dict(seen.refused),
        "passed_over": dict(seen.passed_over),
        "unusable_properties": dict(seen.unusable),
        "accounts_in_directory": None if known is None else len(known),
        "events_of_unknown_accounts": None if known is None else seen.unknown,
        "unusable_in_directory": {} if known is None else dict(known.unusable),
    }
    _show(facts, seen, as_json)
    return 0 if seen.events else 1


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


def _output(path: str) -> AbstractContextManager[_Writable]:
    if path == "-":
        return nullcontext(JsonLines())
    try:
        made = gzip.open(path, "wb") if path.endswith(".gz") else open(path, "wb")  # noqa: SIM115
    except OSError as error:
        raise ConfigError(f"--out {path}: cannot be written: {error.strerror}") from error
    return cast("AbstractContextManager[_Writable]", made)


class _Seen:
    def __init__(self) -> None:
        self.records = self.events = self.unknown = 0
        self.refused: Counter[str] = Counter()
        self.first: tuple[int, Refused] | None = None
        self.passed_over: Counter[str] = Counter()
        self.unusable: Counter[str] = Counter()

    def count(self, outcome: Outcome) -> None:
        if self.first is None and outcome.refused:
            first = outcome.refused[0]
            self.first = self.records + first.position, first
        self.events += len(outcome.events)
        self.unknown += outcome.unknown_accounts
        self.refused.update(one.reason for one in outcome.refused)
        self.passed_over += outcome.passed_over
        self.unusable += outcome.unusable
        self.records += len(outcome.events) + len(outcome.refused) + outcome.passed_over.total()


def _show(facts: dict[str, Any], seen: _Seen, as_json: bool) -> None:
    out = console(stderr=True, soft_wrap=True)
    if seen.first is not None:
        position, refused = seen.first
        out.print(
            f"hydrawatch: {seen.refused.total():,} records are refused; the first is number {position:,}: "
            f"{refused.reason}: {shown(refused.detail)}",
            style="yellow",
        )
    if seen.records and not seen.events:
        out.print(
            "hydrawatch: nothing of it is an event; `hydrawatch intake check` says of each record why",
            style="red",
        )
    if as_json:
        sys.stderr.write(json_of(facts) + "\n")
        return
    for name, value in facts.items():
        if value is None or value == {}:
            continue
        text = (
            ", ".join(f"{k} {v:,}" for k, v in value.items())
            if isinstance(value, dict)
            else f"{value:,}"
        )
        out.print(f"{name.replace('_', ' '):>26}  {shown(text)}")
