"""Transactions on the request topic: what was taken back is no event, and what is open holds little up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.records.produce import produce
from streams.settings.settings import Settings
from tests.integration.watched import Watched
from tests.integration.workers import END_MS, Batch, batches, hydrawatch, replayed, send, wait_for
from tests.kafka.cluster import KafkaCluster
from tests.kafka.transactions import say, transactional
from tests.kafka.troubled import fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 1.0, 300, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def other_world() -> list[Batch]:
    return batches(build(5, 1.0, 100, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def single() -> Iterator[KafkaCluster]:
    with KafkaCluster.start() as cluster:
        yield cluster


def _all_read(watched: Watched, settings: Settings) -> bool:
    requests = {"topic": settings.requests_topic}
    return (
        watched.total("hydrawatch_lag_records", **requests) == 0
        and watched.total("hydrawatch_undecided_records", **requests) == 0
    )


def test_what_transactions_took_back_is_no_event_and_their_markers_hold_nothing_up(
    single: KafkaCluster, world: list[Batch], other_world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    expected = replayed(settings, world)
    assert expected
    asyncio.run(_interleaved(settings, world, other_world))
    events = sum(len(batch.keys) for batch in world)
    with ready_worker(settings, tmp_path) as watched:
        assert wait_for(settings, len(expected)) == expected
        watched.until("unread", lambda: _all_read(watched, settings))
        watched.until("still not ready", lambda: not watched.reasons())
        assert watched.total("hydrawatch_events_total") == events
        # Half of the partitions end with the markers of what was taken back; none waits for more.
        watched.until(
            "not all is acknowledged",
            lambda: _lag_of_the_group(settings) == 0,
        )


async def _interleaved(settings: Settings, world: list[Batch], other: list[Batch]) -> None:
    """The world, partly committed and partly plain; the other one between, taken back or left behind."""
    broker, topic = settings.broker, settings.requests_topic
    kept = await transactional(broker, f"{topic}-kept", compression_type="gzip")
    gone = await transactional(broker, f"{topic}-gone", compression_type="zstd")
    plain = await transactional(broker, f"{topic}-plain")
    try:
        for number, batch in enumerate(world):
            await gone.begin_transaction()
            await say(gone, topic, [other[number % len(other)]])
            if number % 3 == 0:
                await produce(settings, [batch])
            else:
                by = kept if number % 3 == 1 else plain
                await by.begin_transaction()
                await say(by, topic, [batch])
                await by.commit_transaction()
            await gone.abort_transaction()
        await gone.begin_transaction()
        await say(gone, topic, other[:1])
        await gone.abort_transaction()
    finally:
        for producer in (kept, gone, plain):
            await producer.stop()


def _lag_of_the_group(settings: Settings) -> int:
    return asyncio.run(_lag(settings))


async def _lag(settings: Settings) -> int:
    places = [TopicPartition(settings.requests_topic, p) for p in range(4)]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.broker, group_id=settings.group)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(places)
        return sum([ends[tp] - (await consumer.committed(tp) or 0) for tp in places])
    finally:
        await consumer.stop()


def test_an_open_transaction_holds_back_what_lies_behind_it_until_the_broker_ends_it(
    single: KafkaCluster, world: list[Batch], other_world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    expected = replayed(settings, world)
    half = len(world) // 2
    requests = {"topic": settings.requests_topic}
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world[:half])
        asyncio.run(_left_open(settings, other_world[0]))
        send(settings, world[half:])
        watched.until(
            "nothing waits", lambda: watched.total("hydrawatch_undecided_records", **requests) > 0
        )
        # Nobody may read on, so that nothing is unread and nothing stands still.
        watched.comes_to("hydrawatch_lag_records", 0, **requests)
        watched.comes_to("hydrawatch_stalled_seconds", 0, **requests)
        assert watched.total("hydrawatch_undecided_records", **requests) > 0
        # The producer is gone without a word; the broker takes back what it said.
        assert wait_for(settings, len(expected)) == expected
        watched.until("still undecided", lambda: _all_read(watched, settings))


async def _left_open(settings: Settings, batch: Batch) -> None:
    producer = await transactional(
        settings.broker, f"{settings.requests_topic}-open", transaction_timeout_ms=60_000
    )
    await producer.begin_transaction()
    await say(producer, settings.requests_topic, [batch])
    # As a process that is killed: what would end the transaction is not said.
    producer._closed = True
    await producer._sender.close()
    await producer.client.close()


def test_control_events_that_were_taken_back_do_not_hold(
    single: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    expected = replayed(settings, world)
    asyncio.run(_control(settings))
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world)
        assert wait_for(settings, len(expected)) == expected
        assert watched.total("hydrawatch_control_events_total") == 0


async def _control(settings: Settings) -> None:
    """Somebody writes rubbish to the control topic and thinks better of it."""
    producer = await transactional(settings.broker, f"{settings.control_topic}-gone")
    await producer.begin_transaction()
    await producer.send_and_wait(settings.control_topic, b"no control event", partition=0)
    await producer.abort_transaction()
    await producer.stop()


def test_dead_letters_that_were_taken_back_are_not_sent_again(single: KafkaCluster) -> None:
    settings = fresh_settings(single)
    asyncio.run(_dead_letters(settings))
    done = hydrawatch(settings, "redrive", "--json")
    assert done.returncode == 1, done.stderr  # it is from nowhere, so that it cannot go back
    assert '"foreign": 1' in done.stdout, done.stdout


async def _dead_letters(settings: Settings) -> None:
    """One that stands, one that was taken back, and one of which nobody knows yet."""
    producer = await transactional(settings.broker, f"{settings.dead_letters_topic}-gone")
    for number, end in enumerate((producer.commit_transaction, producer.abort_transaction)):
        await producer.begin_transaction()
        await producer.send_and_wait(settings.dead_letters_topic, b"%d" % number, partition=0)
        await end()
    await producer.begin_transaction()
    await producer.send_and_wait(settings.dead_letters_topic, b"open", partition=0)
    await producer._sender.close()
    await producer.client.close()
    producer._closed = True
