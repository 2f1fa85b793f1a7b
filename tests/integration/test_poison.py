"""A record that makes a detector raise stops no worker, however often one starts."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from streams.kafka.embedded_broker import free_port
from tests.integration.poisoned_worker import poisoned_configuration
from tests.integration.watched import Watched
from tests.integration.workers import (
    END_MS,
    Batch,
    replayed,
    send,
    stage,
    wait_for,
    worker,
)
from tests.poison import records, values
from tests.stage_stories import DAY

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]

VOLUME = "volume.own_past"
POISONED = (sys.executable, "-m", "tests.integration.poisoned_worker")
FIELDS = {
    *("event", "level", "logger", "timestamp"),
    *("detector", "stage", "partition", "tick", "error", "times", "raised_for_all"),
}
TURNS = 3  # hours of the poisonous account that a worker must have met before it is killed


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    events = records(END_MS - 3 * DAY)
    keys = [event["account_id"].encode() for event in events]
    times = np.array([event["event_time"] for event in events], np.int64)
    raw = values(events)
    return [
        Batch(keys[at : at + 500], list(raw[at : at + 500]), times[at : at + 500])
        for at in range(0, len(raw), 500)
    ]


def test_workers_go_on_where_a_detector_raises_and_say_what_replay_says(
    world: list[Batch], tmp_path: Path
) -> None:
    ports = [free_port() for _ in range(3)]
    logs = [tmp_path / f"{port}.log" for port in ports]
    begun = len(world) * 3 // 5
    with stage() as settings, contextlib.ExitStack() as running:

        def start(number: int) -> tuple[Any, Watched]:
            given = settings.model_copy(update={"metrics_port": ports[number]})
            log = running.enter_context(logs[number].open("wb"))
            folder = tmp_path / str(number)
            process = running.enter_context(worker(given, folder, POISONED, log))
            return process, Watched(process, ports[number])

        expected = replayed(settings, world, configured=poisoned_configuration)
        assert b"requests_24h" in b"".join(expected)  # of the account that is not poisonous
        killed, first = start(0)
        send(settings, world[:begun])
        first.until("births raise for nobody", lambda: raised(first, "births"))
        first.until("volume raises for nobody", lambda: raised(first, VOLUME) >= TURNS)
        first.until("others", lambda: entities(first) == {"births": 1, VOLUME: 1})
        first.until("notes say nothing", lambda: first.notes().keys() == {"births", VOLUME})
        first.until("it is not ready", lambda: first.ready() and not first.reasons())
        killed.kill()
        killed.wait()
        both = [start(number)[1] for number in (1, 2)]
        send(settings, world[begun:])
        assert wait_for(settings, len(expected)) == expected
        assert sum(raised(one, VOLUME) for one in both) >= TURNS
        assert sum(entities(one)[VOLUME] for one in both) == 1
        judge = next(one for one in both if entities(one)[VOLUME])
        judge.until("notes say nothing", lambda: VOLUME in judge.notes())
        assert "ZeroDivisionError for 1 account within a day" in judge.notes()[VOLUME]
        for one in both:
            one.until("it is not ready", lambda one=one: one.ready() and not one.reasons())
    for entry in _logged(logs):
        assert entry.keys() <= FIELDS
        assert entry["error"] == "ZeroDivisionError"
    assert {entry["detector"] for entry in _logged(logs)} == {"births", VOLUME}


def raised(watched: Watched, detector: str) -> float:
    return watched.total("hydrawatch_set_aside_total", detector=detector)


def entities(watched: Watched) -> dict[str, float]:
    series = "hydrawatch_set_aside_entities"
    return {name: watched.total(series, detector=name) for name in ("births", VOLUME)}


def _logged(logs: list[Path]) -> list[dict[str, Any]]:
    """What the workers' logs say of detectors that raise."""
    lines = [line for log in logs for line in log.read_bytes().splitlines()]
    return [orjson.loads(line) for line in lines if b"a detector raised" in line]
