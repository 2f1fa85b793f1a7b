"""Writes that the brokers do not take are seen, wait, and are neither dropped nor queued twice."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import (
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from streams.observe.delivery_monitor import DeliveryMonitor
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics

TOPIC, LATE_S = "hydrawatch.alerts.v1", 60.0


class Broker:
    """Takes records into its queue once it has no trouble; delivers when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.metrics, self.readiness = Metrics(), Readiness()
        self.deliveries = DeliveryMonitor(self.metrics, LATE_S, clock=lambda: self.now)
        self.trouble: list[Exception] = []
        self.queued: list[asyncio.Future[None]] = []

    async def take(self) -> asyncio.Future[None]:
        if self.trouble:
            raise self.trouble.pop()
        self.queued.append(asyncio.get_running_loop().create_future())
        return self.queued[-1]

    async def send(self) -> asyncio.Future[None]:
        return await self.deliveries.track(TOPIC, self.take)

    def look(self) -> dict[str, str]:
        self.deliveries.look(self.readiness)
        return self.readiness.reasons()

    def shown(self) -> float | None:
        labels = {"topic": TOPIC}
        return self.metrics.registry.get_sample_value("hydrawatch_undelivered_seconds", labels)


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_the_oldest_record_under_way_is_shown_and_a_late_one_is_a_reason(
    broker: Broker,
) -> None:
    first = await broker.send()
    broker.now += LATE_S
    second = await broker.send()
    assert broker.look() == {}
    assert broker.shown() == LATE_S
    broker.now += 1
    assert f"{TOPIC} has taken no write for 61 s" in broker.look()["delivery"]
    first.set_result(None)
    await asyncio.sleep(0)
    assert broker.look() == {}
    assert broker.shown() == 1
    second.set_exception(UnknownTopicOrPartitionError())
    await asyncio.sleep(0)
    broker.look()
    assert broker.shown() == 0


@pytest.mark.parametrize("trouble", [KafkaTimeoutError(), UnknownTopicOrPartitionError()])
async def test_a_record_that_finds_no_room_or_no_topic_waits_and_is_queued_once(
    broker: Broker, trouble: Exception
) -> None:
    broker.trouble = [trouble, trouble]
    await broker.send()
    assert len(broker.queued) == 1


async def test_a_record_that_is_refused_is_not_waited_for(broker: Broker) -> None:
    broker.trouble = [TopicAuthorizationFailedError(TOPIC)]
    with pytest.raises(TopicAuthorizationFailedError):
        await broker.send()
    broker.now += 10 * LATE_S
    assert broker.look() == {}


async def test_a_topic_is_settled_when_all_is_there_or_refused_that_was_under_way(
    broker: Broker,
) -> None:
    await broker.deliveries.settled(TOPIC)
    first, second = await broker.send(), await broker.send()
    settled = asyncio.create_task(broker.deliveries.settled(TOPIC))
    first.set_result(None)
    await asyncio.sleep(0.01)
    assert not settled.done()
    await broker.send()  # came after
    second.set_exception(UnknownTopicOrPartitionError())
    await settled
