"""`hydrawatch replay`: the same engine without a broker, on a file of request events."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np

from detectors.accounts import state as st
from detectors.contract.alert import Alert, encode
from detectors.contract.control_event import ControlEvent
from detectors.contract.request_event import OPTIONAL
from detectors.decode.control_events import decode_control
from detectors.decode.decoder import Decoded
from detectors.decode.rejects import Rejected
from detectors.engine import Engine
from detectors.errors import ConfigError, HydrawatchError
from streams.observe import input_quality
from streams.observe.stage_gauges import REFUSALS
from streams.records.appearance import Sight, half_read, looks_like, unreadable
from streams.records.event_files import overwrites, read_chunks
from streams.records.progress import watched
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.terminal import JsonLines, console, json_of, shown

CHUNK_ROWS = 20_000
LATE_SHARE = 0.02  # collectors are late with far fewer: beyond it the file is in another order


def run(
    settings: Settings,
    file: str,
    alerts: str,
    control: str | None,
    partitions: int | None,
    drain: bool,
    json_summary: bool,
    shadow: str | None = None,
) -> int:
    """Replay `file` and write its alerts, one JSON object a line. Returns the exit code."""
    for option, path in (("--alerts", alerts), ("--shadow", shadow)):
        for source in (file, control):
            if path is not None and source is not None and overwrites(path, source):
                raise ConfigError(f"{option} {path}: is what is read ({source}); give another file")
    if shadow == alerts:
        raise ConfigError(f"--shadow {shadow}: is where --alerts go; give another file")
    engine = Engine(configured(settings, partitions), settings.hash_key_bytes())
    if control is not None:
        _take_controls(engine, control)
    summary = _Summary(file)
    with (
        _output("--alerts", alerts) as live,
        _output("--shadow", shadow) as trial,
        watched("replay", lambda: summary.records, json_summary) as moved,
    ):
        out = {"replay": live, "shadow": trial}
        for values in read_chunks(file, CHUNK_ROWS, moved, summary.sight):
            decoded = engine.decode(values)
            made = engine.feed(decoded)  # which may set more records aside
            summary.count(len(values), decoded)
            _write(out, made, summary)
        if drain:
            _write(out, engine.drain(), summary)
    return summary.show(engine, json_summary)


def _take_controls(engine: Engine, path: str) -> None:
    sight = Sight()
    number = 0
    try:
        for lines in read_chunks(path, sight=sight):
            for line in lines:
                number += 1
                event = decode_control(line, None)
                if not isinstance(event, ControlEvent):
                    said = f"record {number:,} is no control event: {event.message}"
                    raise HydrawatchError(". ".join(filter(None, (said, looks_like(sight)))))
                engine.control(event)
    except HydrawatchError as error:
        away = isinstance(error.__cause__, OSError) and error.__cause__.errno is not None
        raise (ConfigError if away else HydrawatchError)(f"--control {path}: {error}") from error
    if not number:
        _warn(f"--control {shown(path)} holds no records, and changes nothing")


def _output(option: str, path: str | None) -> AbstractContextManager[_Writable]:
    path = path or os.devnull
    if path == "-":
        return nullcontext(JsonLines())
    try:
        return open(path, "wb")
    except OSError as error:
        raise ConfigError(f"{option} {path}: cannot be written: {error.strerror}") from error


def _write(out: dict[str, _Writable], alerts: list[Alert], summary: _Summary) -> None:
    for alert in alerts:
        out[alert.mode].write(encode(alert) + b"\n")
        if alert.mode == "shadow":
            summary.shadow_alerts += 1
            continue
        summary.alerts[alert.kind, alert.state] += 1
        if alert.kind == "account" and alert.action != "observe" and alert.account_id:
            summary.named.add(alert.account_id)


def _warn(sentence: str) -> None:
    console(stderr=True, soft_wrap=True).print(f"hydrawatch: {sentence}", style="yellow")


class _Writable(Protocol):
    def write(self, data: bytes, /) -> int: ...


class _Summary:
    def __init__(self, file: str) -> None:
        self.file = file
        self.started = time.perf_counter()
        self.records = 0
        self.rejected: Counter[str] = Counter()
        self.first_rejected: Rejected | None = None  # its row counts from the file's beginning
        self.unknown = np.zeros(len(OPTIONAL), np.int64)
        self.quality = Counter({input_quality.READ: 0})
        self.sight = Sight()
        self.alerts: Counter[tuple[str, str]] = Counter()
        self.named: set[str] = set()
        self.shadow_alerts = 0

    def count(self, records: int, decoded: Decoded) -> None:
        if self.first_rejected is None and decoded.rejected:
            first = decoded.rejected[0]
            self.first_rejected = Rejected(self.records + first.row, first.reason, first.message)
        self.records += records
        self.rejected.update(r.reason for r in decoded.rejected)
        self.unknown += decoded.unknown
        self.quality[input_quality.READ] += len(decoded.events)
        self.quality.update(dict(zip(OPTIONAL, decoded.unusable.tolist(), strict=True)))

    def show(self, engine: Engine, as_json: bool) -> int:
        """Print it, and what is wrong with the file; 1 if nothing, or nearly nothing, was an event."""
        facts = self._facts(engine)
        rejected = sum(self.rejected.values())
        wrong = unreadable(
            self.file, self.records - rejected, rejected, self.first_rejected, self.sight
        )
        aside = console(stderr=True, soft_wrap=True)
        if facts["late"] > LATE_SHARE * self.records:
            aside.print(
                f"hydrawatch: {facts['late']:,} of {self.records:,} events lie behind their partition's "
                "watermark and counted for no window: the file is not in order of arrival. Sort it "
                "by ingest_time (or event_time) before; a dump of a topic, partition by partition, "
                "needs that too",
                style="yellow",
            )
        if facts["refused"]:
            aside.print(
                f"hydrawatch: {facts['refused']:,} events counted for no window, because no room was left "
                "for their account or minute: raise accounts or minute_rows in [budgets], or the partitions",
                style="yellow",
            )
        for sentence in input_quality.told(self.quality).values():
            aside.print(f"hydrawatch: {sentence}", style="yellow")
        if wrong:
            aside.print(f"hydrawatch: {shown(wrong)}", style="red")
        elif not self.records:
            _warn(f"{shown(self.file)} holds no records")
        elif half := half_read(self.file, self.records - rejected, rejected, self.first_rejected):
            _warn(shown(half))
        if as_json:
            sys.stderr.write(json_of(facts) + "\n")
            return 1 if wrong else 0
        out = console(stderr=True)
        for name, value in facts.items():
            text = (
                ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
                if isinstance(value, dict)
                else str(value)
            )
            out.print(f"{name.replace('_', ' '):>18}  {shown(text)}")
        return 1 if wrong else 0

    def _facts(self, engine: Engine) -> dict[str, Any]:
        seconds = time.perf_counter() - self.started
        totals = np.sum([a.counters for a in engine.accounts], axis=0)
        for name, at in input_quality.OF_COUNTERS.items():
            self.quality[name] += int(totals[at])
        return {
            "file": self.file,
            "records": self.records,
            "rejected": dict(self.rejected),
            "duplicates": int(totals[st.DUPLICATE]),
            "reused_ids": int(totals[st.REUSED]),
            "unknown_usage": int(totals[st.NO_USAGE]),
            "late": int(totals[st.LATE]),
            "ahead": int(totals[st.AHEAD]),
            "refused": int(totals[REFUSALS].sum()),
            # Of accepted events: what was there and could not be used, as the worker counts it.
            "unknown_properties": {
                name: int(n) for name, n in zip(OPTIONAL, self.unknown, strict=True) if n
            },
            "set_aside": engine.set_aside(),
            "alerts": {f"{kind} {state}": n for (kind, state), n in sorted(self.alerts.items())},
            "shadow_alerts": self.shadow_alerts,
            "accounts_named": len(self.named),
            "seconds": round(seconds, 2),
            "events_per_second": round(self.records / seconds) if seconds else 0,
        }
