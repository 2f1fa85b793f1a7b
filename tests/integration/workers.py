"""Worker processes for the tests of this directory: the real command, on a broker of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from pydantic import SecretStr

from detectors.config import Loaded
from detectors.contract.alert import body, decode
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.engine import Engine
from detectors.interface.clock import DAY_MS
from streams.commands.alerts import values
from streams.records.produce import produce
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings, variable
from streams.topics.create import create_topics
from tests.brokers import fresh_broker
from worlds.emit import Records
from worlds.world import build

HYDRAWATCH = Path(sys.executable).parent / "hydrawatch"
PATIENCE_S = 120.0
# Midnight: a broker deletes by the time of records, so that they must be recent.
END_MS = time.time_ns() // 1_000_000 // DAY_MS * DAY_MS


class Batch(NamedTuple):
    """Records in order, as `streams.records.produce` takes them."""

    keys: list[bytes]
    values: list[bytes | None]
    timestamps: np.ndarray


def batches(chunks: Iterable[Records]) -> list[Batch]:
    """What a simulated world says, kept to be sent and replayed."""
    return [Batch(list(r.keys), list(r.values), r.timestamps) for r in chunks]


def two_days(accounts: int = 400) -> list[Batch]:
    """A small world with a hydra in it."""
    return batches(build(3, 2.0, accounts, END_MS).chunks(4_000))


@contextmanager
def stage(partitions: int = 4) -> Iterator[Settings]:
    """A broker with all topics, and the settings that reach it."""
    with fresh_broker() as broker:
        settings = Settings(broker=broker, partitions=partitions)
        create_topics(settings, partitions, replication=1)
        yield settings


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a command that runs with these settings."""
    return {
        **os.environ,
        "HYDRAWATCH_METRICS_PORT": "0",
        "HYDRAWATCH_LOG_LEVEL": "warning",
        # The embedded broker lets members join after half a session, and hears no good-byes.
        "HYDRAWATCH_SESSION_TIMEOUT_S": "3",
        "HYDRAWATCH_HEARTBEAT_S": "0.5",
        "HYDRAWATCH_IDLE_S": "2",
        "HYDRAWATCH_SNAPSHOT_S": "1",
        **variables(settings),
    }


@contextmanager
def worker(
    settings: Settings,
    folder: Path,
    command: Sequence[str] = (str(HYDRAWATCH), "worker"),
    log: IO[bytes] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """One worker process; stopped, or killed if it will not stop, at the end."""
    folder_of = {"HYDRAWATCH_DATA_DIR": str(folder)}
    process = subprocess.Popen(command, env=environment(settings) | folder_of, stderr=log)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def hydrawatch(
    settings: Settings, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with these settings and what else is in its environment."""
    return subprocess.run(
        [str(HYDRAWATCH), *arguments],
        env=environment(settings) | environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def variables(settings: Settings) -> dict[str, str]:
    """What was set in these settings, secrets included, as a process's environment takes it."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    return {
        variable(name): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in given.items()
        if value is not None
    }


def send(settings: Settings, batches: Sequence[Batch]) -> None:
    """Put records on the request topic."""
    asyncio.run(produce(settings, batches))


def replayed(
    settings: Settings,
    batches: Sequence[Batch],
    controls: Sequence[bytes] = (),
    mode: str = "",
    configured: Callable[[Settings], Loaded] = configured,
) -> list[bytes]:
    """Bodies of the alerts (of a mode, the settings' if none) that a replay of the records gives."""
    engine = Engine(configured(settings), settings.hash_key_bytes(), settings.mode)
    for raw in controls:
        event = decode_control(raw, None)
        assert isinstance(event, ControlEvent), event
        engine.control(event)
    found = []
    for batch in batches:
        found += engine.feed(engine.decode(batch.values, batch.timestamps))
    return [body(alert) for alert in found if alert.mode == (mode or settings.mode)]


def published(settings: Settings) -> list[bytes]:
    """Bodies of the alerts on the topic, in order: a shadow's are on a topic of their own."""
    topic = settings.shadow_topic if settings.mode == "shadow" else settings.alerts_topic
    return [
        body(decode(value)) for value in values(settings, topic, follow=False, from_beginning=True)
    ]


def wait_for(settings: Settings, count: int, quiet_s: float = 3.0) -> list[bytes]:
    """The topic's alerts once there are `count` and no more come for a while."""
    until = time.monotonic() + PATIENCE_S
    found: list[bytes] = []
    while time.monotonic() < until:
        now = published(settings)
        if len(now) >= count and len(now) == len(found):
            return now
        found = now
        time.sleep(quiet_s)
    return found
