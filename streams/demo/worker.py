"""The demo's worker: `hydrawatch worker` as a child process, watched by its metrics page alone."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

from detectors.errors import HydrawatchError
from streams.kafka.embedded_broker import free_port, leashed
from streams.settings.settings import PREFIX, Settings, variable

ANSWER_S = 2.0
STOP_S = 5.0
LAST_LINES, LINE_CHARACTERS = 5, 300
HYDRAWATCH = [sys.executable, "-c", "from streams.cli.main import main; main()"]


class ChildDiedError(HydrawatchError):
    """A child process ended by itself; the message ends with what it last wrote."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the metrics page said: counts since the start.

    `newest`: event time in seconds that every partition seen so far has come to.
    """

    read: int = 0
    rejected: int = 0
    late: int = 0
    duplicate: int = 0
    waiting: int = 0  # records that any stage knows of and has not read
    ticks: int = 0
    newest: float = 0.0
    work: tuple[tuple[str, float], ...] = ()  # chunks done, by stage
    cpu_s: float = 0.0  # of the process: one that computes is not at rest


class DemoWorker:
    """One worker process. It ends with the demo, also when the demo is killed."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._log = directory / "worker.log"
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its metrics page is."""
        return f"http://{self._settings.metrics_host}:{self._settings.metrics_port}"

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        with self._log.open("wb") as log:
            self._process = leashed([*HYDRAWATCH, "worker"], log, environment(self._settings))

    def stop(self) -> None:
        """Kill the process if there is one and wait for its end."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()  # its leash
            process.wait(STOP_S)

    def check(self) -> None:
        """Raise ChildDiedError if the process has ended."""
        code = None if self._process is None else self._process.poll()
        if code is not None:
            raise ChildDiedError(f"the worker ended with status {code}; {last_words(self._log)}")

    def ready(self) -> bool:
        """Whether it has its partitions."""
        try:
            return bool(_get(self.url + "/readyz"))
        except OSError:
            return False

    def reading(self) -> Reading | None:
        """What the metrics page says now; None while it does not answer."""
        try:
            text = _get(self.url + "/metrics")
        except OSError:
            return None
        return parse(text)


def parse(text: str) -> Reading:
    """Take the demo's numbers from a metrics page."""
    events: dict[str, int] = {}
    work: dict[str, float] = {}
    waiting = newest = ticks = cpu_s = 0.0
    for family in text_string_to_metric_families(text):
        for name, labels, value, *_ in family.samples:
            if name == "hydrawatch_events_total":
                events[labels["outcome"]] = int(value)
            elif name == "hydrawatch_lag_records":
                waiting += value
            elif name == "hydrawatch_ticks_closed_total" and labels["stage"] == "accounts":
                ticks += value
            elif name == "hydrawatch_last_event_timestamp_seconds":
                newest = min(newest or value, value)
            elif name == "hydrawatch_batch_seconds_count":
                work[labels["stage"]] = value
            elif name == "process_cpu_seconds_total":
                cpu_s = value
    return Reading(
        read=sum(events.values()),
        rejected=events.get("rejected", 0),
        late=events.get("late", 0),
        duplicate=events.get("duplicate", 0),
        waiting=int(waiting),
        ticks=int(ticks),
        newest=newest,
        work=tuple(sorted(work.items())),
        cpu_s=cpu_s,
    )


def local_settings(given: Settings, broker: str, directory: Path, *, known_port: bool) -> Settings:
    """The user's settings, but for the demo's own broker, directory and port.

    `known_port`: the metrics page keeps its configured port if that is free.
    """
    own: dict[str, Any] = {
        "broker": broker,
        "data_dir": directory / "worker",
        "metrics_host": "127.0.0.1",
        "metrics_port": free_port(given.metrics_port if known_port else 0),
        # Credentials of the user's own brokers are none of this one's business.
        "sasl_mechanism": None,
        "sasl_username": None,
        "sasl_password": None,
        "tls": False,
        "tls_ca": None,
        "tls_cert": None,
        "tls_key": None,
        # Nor are the user's own intake's secrets: a child is given them by name where it needs any.
        "intake_key": None,
        "intake_key_file": None,
        "intake_token": None,
        "intake_token_file": None,
        "intake_tls_cert": None,
        "intake_tls_key": None,
        "intake_tls_client_ca": None,
    }
    return given.model_copy(update=own)


def environment(settings: Settings) -> dict[str, str]:
    """A child's environment: this process's, with these settings in place of what it said."""
    values: Mapping[str, Any] = settings.model_dump(mode="json")
    env = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    env |= {variable(n): str(v) for n, v in values.items() if v is not None}
    env[variable("hash_key")] = settings.hash_key.get_secret_value()
    return env


def last_words(log: Path) -> str:
    """What a child process wrote last."""
    said = log.read_text(errors="replace").strip().splitlines()[-LAST_LINES:]
    return "it wrote last:\n" + ("\n".join(map(_in_short, said)) or "nothing")


def _in_short(line: str) -> str:
    """A line of the log without its traceback's length."""
    try:
        entry = orjson.loads(line)
        why = entry.get("exception", "").strip().rpartition("\n")[2] or entry.get("reason", "")
        return f"{entry['event']} {why}".strip()
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return line[:LINE_CHARACTERS]


def _get(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
            body: bytes = answer.read()
            return body.decode()
    except urllib.error.HTTPError as error:
        error.close()
        raise ConnectionError(str(error)) from error
