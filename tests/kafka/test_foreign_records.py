"""Somebody else writes to the topics that are the workers' own: the worker ends by the record's place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.settings.settings import Settings
from tests.integration.watched import Watched
from tests.integration.workers import END_MS, Batch, batches, hydrawatch, send, worker
from tests.kafka.cluster import KafkaCluster
from tests.kafka.deleted_records import delete_before
from tests.kafka.troubled import fresh_settings
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 0.25, 100, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def single() -> Iterator[KafkaCluster]:
    with KafkaCluster.start() as cluster:
        yield cluster


@pytest.mark.parametrize("value", [None, b"rubbish"], ids=["tombstone", "rubbish"])
def test_in_the_state_topic_it_is_named_by_worker_and_state_show(
    single: KafkaCluster, tmp_path: Path, value: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = fresh_settings(single)
    place = _write(settings, settings.state_topic, value)
    said = f"{settings.state_topic} [0], offset {place}: "
    shown = hydrawatch(settings, "state", "show")
    assert shown.returncode == 1
    assert f"accounts 0: {said}" in shown.stderr
    with worker(settings, tmp_path) as process:
        assert process.wait(120) == 1
    told = capfd.readouterr().err
    assert said in told
    assert "TypeError" not in told
    assert "hydrawatch state reset" in told


@pytest.mark.parametrize("name", ["handover_topic", "evidence_topic"])
def test_between_stages_the_worker_goes_on_once_it_is_deleted(
    single: KafkaCluster,
    world: list[Batch],
    tmp_path: Path,
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings = fresh_settings(single)
    topic = getattr(settings, name)
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        send(settings, world)
        watched.until("nothing was handed over", lambda: _handed(watched, topic) > 3)
        watched.comes_to("hydrawatch_lag_records", 0)
    place = _write(settings, topic, b"rubbish")
    with worker(settings, tmp_path) as process:
        assert process.wait(120) == 1
    said = capfd.readouterr().err
    assert f"{topic} [0], offset {place}: not a record of this pipeline" in said
    assert f"delete the records before offset {place + 1} (kafka-delete-records.sh)" in said
    delete_before(settings.broker, topic, {0: place + 1})
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        watched.until("not ready", lambda: not watched.reasons())
        watched.until("not told", lambda: topic in watched.notes().get("lost input", ""))
        watched.comes_to("hydrawatch_lag_records", 0)


def _handed(watched: Watched, topic: str) -> float:
    return watched.total("hydrawatch_handover_records_total", topic=topic)


def _write(settings: Settings, topic: str, value: bytes | None) -> int:
    return asyncio.run(_send(settings, topic, value))


async def _send(settings: Settings, topic: str, value: bytes | None) -> int:
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        sent = await producer.send_and_wait(topic, value, key=b"k", partition=0)
        return int(sent.offset)
    finally:
        await producer.stop()
