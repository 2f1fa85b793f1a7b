"""What is kept at a secured Kafka: with the rights that are written down old state goes, without not."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams import state_records, topics
from streams.commands.alerts import values
from streams.history import read_all
from streams.settings import Settings
from tests.integration.watched import Watched, free_port
from tests.integration.workers import (
    END_MS,
    HYDRAWATCH,
    Batch,
    environment,
    published,
    replayed,
    send,
    two_days,
    wait_for,
    worker,
)
from tests.kafka.roles import PARTITIONS, Stage, grant, secured
from worlds import load

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

EVENTS = 120_000  # of so many accounts that a few snapshots fill a log
ACCOUNTS = 4_000
OFTEN_S = 0.2


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with secured(tmp_path_factory.mktemp("kept")) as found:
        topics.create(found.settings("admin"), PARTITIONS, replication=1)
        yield found


def changed(settings: Settings, **values: Any) -> Settings:
    """The settings with others beside, as an environment would give them."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    return Settings(**{**given, **values})


def entries_left(settings: Settings, place: int) -> list[int]:
    """The entries of one stage's log that the state topic still holds, in order."""

    async def read() -> list[int]:
        found: dict[int, None] = {}
        async for record in read_all(settings, settings.state_topic, [place]):
            one = state_records.decode(record.value, settings.state_topic)
            if not isinstance(one, state_records.Fence):
                found[one.number] = None
        return list(found)

    return asyncio.run(read())


def hydrawatch(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HYDRAWATCH), *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def fed(stage: Stage, settings: Settings, folder: Path) -> dict[str, float]:
    """Run a worker over many events until all is kept; what it says of deleting then."""
    batches = load.dense(EVENTS, accounts=ACCOUNTS, start_ms=END_MS)
    with worker(settings, folder) as process:
        watched = Watched(process, settings.metrics_port)
        send(stage.settings("gateway"), [Batch(list(b.keys), list(b.values), b.timestamps) for b in batches])
        import time
        for _ in range(20):
            time.sleep(1)
            try: print(watched.total("hydrawatch_events_total"), watched.total("hydrawatch_events_total", outcome="accepted"), watched.reasons(), watched.total("hydrawatch_snapshots_total"), watched.total("hydrawatch_lag_records"))
            except OSError as e: print(e)
        watched.until(
            "not all is read", lambda: watched.total("hydrawatch_events_total") >= EVENTS
        )
        watched.until(
            "not kept often enough",
            lambda: watched.total("hydrawatch_snapshots_total", stage="accounts") >= 8 * PARTITIONS,
        )
        return {
            name: watched.total(f"hydrawatch_{name}")
            for name in ("state_not_deleted", "state_log_bytes")
        }


def test_x(stage: Stage, tmp_path: Path) -> None:
    mine = changed(stage.settings("worker"), metrics_port=free_port(), snapshot_s=OFTEN_S, idle_s=2)
    print(fed(stage, mine, tmp_path))
    for p in range(9):
        print(p, entries_left(mine, p))
