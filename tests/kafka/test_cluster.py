"""Brokers that die and come back: what was acknowledged stays, and the worker says what replay says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.integration.workers import END_MS, Batch, batches, replayed, send, wait_for, worker
from tests.kafka.cluster import KafkaCluster
from tests.kafka.troubled import fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]
# These worlds run through a day in seconds: a partition that the sender cannot write to for a moment,
# though the worker reads it again, lags by hours of event time, and must not be taken for a silent one.
PATIENT_S = 20.0


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> list[Batch]:
    days = 1.0 if request.config.getoption("--short") else 2.0
    return batches(build(3, days, 400, END_MS).chunks(4_000))


@pytest.fixture(scope="module")
def three() -> Iterator[KafkaCluster]:
    with KafkaCluster.start(nodes=3) as cluster:
        yield cluster


def test_what_was_acknowledged_outlives_the_leader_that_acknowledged_it(
    three: KafkaCluster,
) -> None:
    admin = three.admin()
    admin.create_topics({"kept": {"num_partitions": 1, "replication_factor": 3}})
    admin.close()
    first = three.leader("kept")
    acknowledged = asyncio.run(_send_and_kill(three, "kept", first))
    second = three.leader("kept")
    assert second not in {0, first}
    assert asyncio.run(_read(three, "kept", len(acknowledged))) >= acknowledged
    three.restart(first)
    three.wait_until_settled()
    until = time.monotonic() + 120
    while three.in_sync("kept") != [1, 2, 3]:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_a_worker_says_what_replay_says_though_leaders_die_and_come_back(
    three: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(three, replication=3).model_copy(update={"idle_s": PATIENT_S})
    expected = replayed(settings, world)
    assert expected
    third = len(world) // 3
    with ready_worker(settings, tmp_path):
        send(settings, world[:third])
        # Kafka makes this topic for the first group, and could not with a node missing.
        assert three.leader("__consumer_offsets")
        for part, topic in (
            (world[third : 2 * third], settings.evidence_topic),
            (world[2 * third :], "__consumer_offsets"),
        ):
            dead = three.leader(topic)
            three.kill(dead)
            send(settings, part)
            three.restart(dead)
            three.wait_until_settled()
        assert wait_for(settings, len(expected)) == expected


@pytest.mark.parametrize("orderly", [True, False], ids=["stopped", "killed"])
def test_a_worker_says_what_replay_says_though_its_only_broker_restarts(
    orderly: bool, world: list[Batch], tmp_path: Path
) -> None:
    half = len(world) // 2
    with KafkaCluster.start() as cluster:
        settings = fresh_settings(cluster).model_copy(update={"idle_s": PATIENT_S})
        expected = replayed(settings, world)
        with ready_worker(settings, tmp_path):
            send(settings, world[:half])
            (cluster.stop if orderly else cluster.kill)(1)
            time.sleep(2)
            cluster.restart(1)
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected


def test_two_workers_with_one_instance_id_do_not_go_on(three: KafkaCluster, tmp_path: Path) -> None:
    settings = Settings(broker=three.bootstrap, partitions=4, instance_id="one")
    create_topics(settings, 4, replication=3)
    with worker(settings, tmp_path / "1") as first, worker(settings, tmp_path / "2") as second:
        until = time.monotonic() + 180
        while first.poll() is None and second.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert (first.poll() or 0) == 1 or (second.poll() or 0) == 1


async def _send_and_kill(cluster: KafkaCluster, topic: str, leader: int) -> set[bytes]:
    producer = AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap, acks="all", enable_idempotence=True
    )
    await producer.start()
    acknowledged = set()
    try:
        for number in range(300):
            if number == 100:
                await asyncio.to_thread(cluster.kill, leader)
            value = b"%d" % number
            await producer.send_and_wait(topic, value)
            acknowledged.add(value)
    finally:
        await producer.stop()
    return acknowledged


async def _read(cluster: KafkaCluster, topic: str, count: int) -> set[bytes | None]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=cluster.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        found: set[bytes | None] = set()
        while len(found) < count:
            for records in (await consumer.getmany(timeout_ms=5000)).values():
                found |= {record.value for record in records}
        return found
    finally:
        await consumer.stop()
