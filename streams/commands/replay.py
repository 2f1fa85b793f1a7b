"""`hydrawatch replay`: the same engine without a broker, on a file of request events."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
from rich.console import Console

from detectors.accounts import state as st
from detectors.contract.alert import Alert, encode
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.engine import Engine
from detectors.errors import ConfigError, HydrawatchError
from streams.records.event_files import overwrites, read_chunks
from streams.records.progress import watched
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings

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
        for values in read_chunks(file, CHUNK_ROWS, moved):
            decoded = engine.decode(values)
            summary.count(decoded)
            _write(out, engine.feed(decoded), summary)
        if drain:
            _write(out, engine.drain(), summary)
    summary.show(engine, json_summary)
    return 0


def _take_controls(engine: Engine, path: str) -> None:
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"--control {path}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        event = decode_control(line, None)
        if not isinstance(event, ControlEvent):
            raise HydrawatchError(f"{path}:{number}: not a control event: {event.message}")
        engine.control(event)


def _output(option: str, path: str | None) -> AbstractContextManager[BinaryIO]:
    path = path or os.devnull
    if path == "-":
        return nullcontext(sys.stdout.buffer)
    try:
        return open(path, "wb")
    except OSError as error:
        raise ConfigError(f"{option} {path}: cannot be written: {error.strerror}") from error


def _write(out: dict[str, BinaryIO], alerts: list[Alert], summary: _Summary) -> None:
    for alert in alerts:
        out[alert.mode].write(encode(alert) + b"\n")
        if alert.mode == "shadow":
            summary.shadow_alerts += 1
            continue
        summary.alerts[alert.kind, alert.state] += 1
        if alert.kind == "account" and alert.action != "observe" and alert.account_id:
            summary.named.add(alert.account_id)


class _Summary:
    def __init__(self, file: str) -> None:
        self.file = file
        self.started = time.perf_counter()
        self.records = 0
        self.rejected: Counter[str] = Counter()
        self.alerts: Counter[tuple[str, str]] = Counter()
        self.named: set[str] = set()
        self.shadow_alerts = 0

    def count(self, decoded: Any) -> None:
        self.records += len(decoded.events) + len(decoded.rejected)
        self.rejected.update(r.reason for r in decoded.rejected)

    def show(self, engine: Engine, as_json: bool) -> None:
        seconds = time.perf_counter() - self.started
        totals = np.sum([a.counters for a in engine.accounts], axis=0)
        late = int(totals[st.LATE])
        if late > LATE_SHARE * self.records:
            Console(stderr=True, soft_wrap=True).print(
                f"hydrawatch: {late:,} of {self.records:,} events lie behind their partition's "
                "watermark and counted for no window: the file is not in order of arrival. Sort it "
                "by ingest_time (or event_time) before; a dump of a topic, partition by partition, "
                "needs that too",
                style="yellow",
            )
        facts = {
            "file": self.file,
            "records": self.records,
            "rejected": dict(self.rejected),
            "duplicates": int(totals[st.DUPLICATE]),
            "late": late,
            "set_aside": engine.set_aside(),
            "alerts": {f"{kind} {state}": n for (kind, state), n in sorted(self.alerts.items())},
            "shadow_alerts": self.shadow_alerts,
            "accounts_named": len(self.named),
            "seconds": round(seconds, 2),
            "events_per_second": round(self.records / seconds) if seconds else 0,
        }
        if as_json:
            sys.stderr.write(orjson.dumps(facts).decode() + "\n")
            return
        console = Console(stderr=True)
        for name, value in facts.items():
            shown = (
                ", ".join(f"{k} {v}" for k, v in value.items()) or "none"
                if isinstance(value, dict)
                else value
            )
            console.print(f"{name.replace('_', ' '):>18}  {shown}", highlight=False)
