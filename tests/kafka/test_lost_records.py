"""Records that are deleted before they were read: told beforehand and after, and done without."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from detectors.contract.alert import body
from detectors.engine import Engine
from detectors.exchange import hand_over, report
from detectors.kernels.partitioner import partition_of
from streams.decisions.log import Lost, read_marks
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from tests.integration.watched import Watched
from tests.integration.workers import (
    END_MS,
    Batch,
    batches,
    hydrawatch,
    send,
    wait_for,
    worker,
)
from tests.kafka.cluster import KafkaCluster
from tests.kafka.deleted_records import delete_before, ends
from tests.kafka.troubled import fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]
PARTITIONS = 4


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    """Two days in hundreds of records; alerts come in the second."""
    return batches(build(3, 2.0, 300, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def single() -> Iterator[KafkaCluster]:
    with KafkaCluster.start() as cluster:
        yield cluster


def replayed_without(settings: Settings, world: list[Batch], first: int, end: int) -> list[bytes]:
    """Bodies of the alerts where batches from `first` up to `end` are gone from every partition."""
    engine = Engine(configured(settings), settings.hash_key_bytes(), settings.mode)
    found = []
    for number, batch in enumerate(world):
        if number == first:
            for account in engine.accounts:
                account.lose(1, 2)
        if not first <= number < end:
            found += engine.feed(engine.decode(batch.values, batch.timestamps))
    return [body(alert) for alert in found if alert.mode == settings.mode]


def counts(batches: list[Batch]) -> dict[int, int]:
    """How many records each partition gets of these."""
    places = np.array([partition_of(key, PARTITIONS) for batch in batches for key in batch.keys])
    return {p: int((places == p).sum()) for p in range(PARTITIONS)}


def test_requests_that_nobody_read_are_done_without_and_told_of_before_and_after(
    single: KafkaCluster, world: list[Batch], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = fresh_settings(single)
    topic = settings.requests_topic
    first, end = len(world) // 4, len(world) // 4 + 2
    expected = replayed_without(settings, world, first, end)
    assert expected
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world[:first])
        _read_all(watched, settings, sum(counts(world[:first]).values()))
    there = ends(settings.broker, topic, PARTITIONS)
    send(settings, world[first:end])
    gone = ends(settings.broker, topic, PARTITIONS)
    assert {p: gone[p] - there[p] for p in gone} == counts(world[first:end])
    send(settings, world[end : end + 1])
    delete_before(settings.broker, topic, gone)

    # Beforehand.
    said = f"{topic} [0]: records {there[0]} to {gone[0] - 1} were deleted before they were read"
    checked = hydrawatch(settings, "check", "--topics")
    assert checked.returncode == 0
    assert f"warning: {said}; a worker goes on at {gone[0]}" in checked.stderr
    shown = hydrawatch(settings, "state", "show")
    assert shown.returncode == 0
    assert f"accounts 0: {said}" in shown.stderr
    told = orjson.loads(hydrawatch(settings, "state", "show", "--json").stdout)
    lost = {one["partition"]: one["lost"] for one in told if one["stage"] == "accounts"}
    assert lost == counts(world[first:end])

    # Who would rather look first.
    stops = settings.model_copy(update={"on_loss": "stop"})
    assert hydrawatch(stops, "check", "--topics").returncode == 1
    assert hydrawatch(stops, "state", "show").returncode == 1
    with worker(stops, tmp_path) as process:
        assert process.wait(120) == 1
    assert "HYDRAWATCH_ON_LOSS is stop. Set it to continue" in capfd.readouterr().err

    # Who goes on.
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        watched.comes_to(
            "hydrawatch_lost_records_total", sum(gone.values()) - sum(there.values()), topic=topic
        )
        watched.until("not ready", lambda: not watched.reasons())
        assert (
            f"{topic} [0] lost records {there[0]} to {gone[0] - 1}" in watched.notes()["lost input"]
        )
        watched.until("no hour is incomplete", lambda: _outage_s(watched) > 0)
        process.kill()
    marks = asyncio.run(read_marks(settings, 0))
    assert [(m.offset + 1, m.end) for m in marks if isinstance(m, Lost)] == [(there[0], gone[0])]
    assert "records were deleted before they were read: going on" in capfd.readouterr().err

    # A restart decides the same, and who wants to look first is not asked about what was decided.
    with ready_worker(stops, tmp_path) as watched:
        watched.until("not told any more", lambda: "lost input" in watched.notes())
        send(settings, world[end + 1 :])
        assert wait_for(settings, len(expected)) == expected


def _outage_s(watched: Watched) -> float:
    return watched.total("hydrawatch_input_outage_seconds_total")


def _read_all(watched: Watched, settings: Settings, events: int) -> None:
    """Wait until so many events are read, nothing waits between the stages, and all of it is kept."""
    watched.comes_to("hydrawatch_events_total", events)
    watched.until("not kept", lambda: _rests(watched))


def _rests(watched: Watched) -> bool:
    return not watched.total("hydrawatch_lag_records") + watched.total(
        "hydrawatch_snapshot_age_seconds"
    )


def test_where_nothing_is_left_the_partition_goes_on_waiting_for_what_comes(
    single: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    topic = settings.requests_topic
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world[:2])
        _read_all(watched, settings, sum(counts(world[:2]).values()))
    there = ends(settings.broker, topic, PARTITIONS)
    send(settings, world[2:3])
    gone = ends(settings.broker, topic, PARTITIONS)
    delete_before(settings.broker, topic, gone)
    with ready_worker(settings, tmp_path) as watched:
        lost = sum(gone.values()) - sum(there.values())
        watched.comes_to("hydrawatch_lost_records_total", lost, topic=topic)
        watched.comes_to("hydrawatch_lag_records", 0)
        watched.until("told", lambda: "what comes next" in watched.notes().get("lost input", ""))
        send(settings, world[3:5])
        _read_all(watched, settings, sum(counts(world[3:5]).values()))
        watched.until("lasts", lambda: "what comes next" not in watched.notes()["lost input"])
        watched.until("not ready", lambda: not watched.reasons())


def test_hand_overs_and_reports_that_nobody_read_are_done_without(
    single: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world[:3])
        _read_all(watched, settings, sum(counts(world[:3]).values()))
    # Said before, so that nothing would come of it; who deletes it does not know.
    again = {
        settings.handover_topic: next(iter(hand_over.encode(hand_over.watermark_only(0, 1)))),
        settings.evidence_topic: next(iter(report.encode(report.Report(0, 1)))),
    }
    for topic, record in again.items():
        asyncio.run(_write(settings, topic, record, 5))
        count = PARTITIONS if topic == settings.handover_topic else 1
        delete_before(settings.broker, topic, ends(settings.broker, topic, count))
    shown = hydrawatch(settings, "state", "show").stderr
    assert f"keys 0: {settings.handover_topic} [0]: records" in shown
    assert f"owner 0: {settings.evidence_topic} [0]: records" in shown
    kept = orjson.loads(hydrawatch(settings, "state", "show", "--json").stdout)
    lost = {
        topic: sum(one["lost"] for one in kept if one["stage"] == stage)
        for topic, stage in ((settings.handover_topic, "keys"), (settings.evidence_topic, "owner"))
    }
    assert min(lost.values()) >= 5
    with ready_worker(settings, tmp_path) as watched:
        for topic in again:
            watched.comes_to("hydrawatch_lost_records_total", lost[topic], topic=topic)
        for topic in again:
            watched.until("not told", lambda one=topic: one in watched.notes()["lost input"])
        send(settings, world[3:6])
        _read_all(watched, settings, sum(counts(world[3:6]).values()))
        watched.until("lasts", lambda: "what comes next" not in watched.notes()["lost input"])
        assert watched.total("hydrawatch_ticks_closed_total", stage="owner") > 0


async def _write(settings: Settings, topic: str, value: bytes, times: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        for _ in range(times):
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()
