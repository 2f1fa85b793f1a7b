"""Events reach the partition that Kafka's clients choose, and are said to be there once they are."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.intake.outcome import Event
from streams.intake.sink import Sink, opened
from streams.kafka.connection import BrokerError
from streams.kafka.embedded_broker import EmbeddedBroker
from streams.kafka.reader import read_all
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from streams.topics.partitioners import partition_of
from tests.brokers import fresh_broker


@pytest.fixture
def settings() -> Iterator[Settings]:
    with fresh_broker() as broker:
        made = Settings(broker=broker, partitions=3)
        create_topics(made, 3, replication=1)
        yield made


def events(count: int, size: int = 10) -> list[Event]:
    return [
        Event(b"k1:%d" % (n % 17), b"%d:" % n + b"x" * size, 1_777_026_031_000 + n)
        for n in range(count)
    ]


async def on_the_topic(settings: Settings) -> list[Any]:
    return [record async for record in read_all(settings, settings.requests_topic, None)]


@pytest.mark.broker
async def test_every_event_is_there_once_in_its_accounts_order_and_place(
    settings: Settings,
) -> None:
    sent = events(5000, 200)
    async with opened(settings) as (sink, _):
        await asyncio.gather(*(sink.put(sent[n : n + 7]) for n in range(0, 5000, 7)))
        assert sink.in_flight_bytes == 0
        assert sink.waits_s() == 0
    found = await on_the_topic(settings)
    assert sorted(r.value for r in found) == sorted(e.value for e in sent)
    assert all(r.partition == partition_of(r.key, 3) for r in found)
    for key in {e.key for e in sent}:
        mine = [e for e in sent if e.key == key]
        assert [r.value for r in found if r.key == key] == [e.value for e in mine]
        assert [r.timestamp for r in found if r.key == key] == [e.timestamp_ms for e in mine]


@pytest.mark.broker
async def test_who_gives_up_waiting_takes_nothing_from_others(settings: Settings) -> None:
    async with opened(settings) as (sink, _):
        impatient = asyncio.create_task(sink.put(events(100)))
        patient = asyncio.create_task(sink.put(events(200)[100:]))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
    assert len(await on_the_topic(settings)) == 200


@pytest.mark.broker
@pytest.mark.embedded
async def test_a_broker_that_hangs_is_waited_for_and_then_has_all() -> None:
    with EmbeddedBroker() as broker:
        settings = Settings(broker=broker.address, partitions=1)
        create_topics(settings, 1, replication=1)
        async with opened(settings) as (sink, _):
            await sink.put(events(1))
            os.killpg(broker.pid, signal.SIGSTOP)  # the broker and its leash
            try:
                waiting = asyncio.create_task(sink.put(events(3)))
                while sink.waits_s() < 0.3:  # noqa: ASYNC110  # its clock rings nobody
                    await asyncio.sleep(0.02)
                assert not waiting.done()
                assert sink.in_flight_bytes > 0
            finally:
                os.killpg(broker.pid, signal.SIGCONT)
            await waiting
            assert sink.in_flight_bytes == 0
        assert len(await on_the_topic(settings)) == 4


@dataclass
class Refusing:
    """A producer whose broker takes nothing."""

    tried: int = 0
    batches: list[Any] = field(default_factory=list)

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    def create_batch(self) -> Any:
        from aiokafka.producer.message_accumulator import BatchBuilder

        return BatchBuilder(1000, 0)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Any:
        from aiokafka.errors import TopicAuthorizationFailedError

        self.tried += 1
        raise TopicAuthorizationFailedError(topic)


async def test_what_the_broker_refuses_is_told_and_weighs_nothing_any_more() -> None:
    producer = Refusing()
    sink = Sink(producer, "t")
    await sink.start()
    with pytest.raises(BrokerError, match="TopicAuthorizationFailedError"):
        await sink.put(events(50, 100))
    assert await sink.flush()
    assert producer.tried > 1  # more than one batch
    assert sink.in_flight_bytes == 0


async def test_a_sink_that_is_closed_tells_who_still_waits() -> None:
    sink = Sink(Refusing(), "t")
    await sink.start()
    waiting = asyncio.create_task(sink.put(events(3)))
    await asyncio.sleep(0)
    sink.close()
    with pytest.raises(BrokerError):
        await waiting
    assert sink.in_flight_bytes == 0
