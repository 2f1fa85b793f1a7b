"""Old state is deleted, or asked for again later: a failure is not for good, but is not repeated often."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    KafkaConnectionError,
    LeaderNotAvailableError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)

from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.state.trim import FIRST_PAUSE_S, LAST_PAUSE_S, Trim

TP = TopicPartition("hydrawatch-state", 3)


class Broker:
    """A broker that deletes, unless it has `trouble`; the test turns the clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.trouble: Exception | None = None
        self.of: dict[TopicPartition, Exception] = {}  # trouble of one partition
        self.asked = 0
        self.begins: dict[TopicPartition, int] = {}
        self.connections = 0
        self.metrics = Metrics()
        self.trim = Trim(
            Settings(), self.metrics, connect=lambda _settings: self, clock=lambda: self.now
        )

    async def start(self) -> None:
        self.connections += 1

    async def close(self) -> None:
        self.connections -= 1

    async def delete_records(self, wanted: dict[TopicPartition, Any]) -> None:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        for tp in wanted:
            if tp in self.of:
                raise self.of[tp]
        self.begins |= {tp: records.before_offset for tp, records in wanted.items()}

    def not_deleted(self) -> float | None:
        return self.metrics.registry.get_sample_value("hydrawatch_state_not_deleted")


@pytest.fixture
def broker() -> Broker:
    return Broker()


async def test_what_no_reader_needs_is_deleted(broker: Broker) -> None:
    await broker.trim.before(TP, 0)
    assert broker.asked == 0
    await broker.trim.before(TP, 70)
    assert broker.begins == {TP: 70}
    assert broker.not_deleted() == 0
    await broker.trim.stop()
    assert broker.connections == 0


async def test_after_an_outage_it_is_asked_again_and_the_metric_says_that_all_is_well(
    broker: Broker,
) -> None:
    broker.trouble = KafkaConnectionError()
    await broker.trim.before(TP, 70)
    assert broker.not_deleted() == 1
    broker.trouble = None
    broker.now += FIRST_PAUSE_S - 1
    await broker.trim.before(TP, 70)
    assert broker.asked == 1
    broker.now += 1
    await broker.trim.before(TP, 70)
    assert broker.begins == {TP: 70}
    assert broker.not_deleted() == 0
    assert broker.connections == 1


async def test_what_an_outage_left_undone_is_done_though_nothing_more_is_kept(
    broker: Broker,
) -> None:
    other, left = TopicPartition("hydrawatch-state", 4), TopicPartition("hydrawatch-state", 5)
    broker.trouble = KafkaConnectionError()
    for tp in (TP, other, left):
        await broker.trim.before(tp, 70)
    await broker.trim.before(other, 90)
    broker.trim.release(left)
    broker.trouble = None
    await broker.trim.again()
    assert broker.begins == {}
    broker.now += FIRST_PAUSE_S
    await broker.trim.again()
    assert broker.begins == {TP: 70, other: 90}
    assert broker.not_deleted() == 0
    asked = broker.asked
    await broker.trim.again()
    assert broker.asked == asked


async def test_a_partition_that_nobody_leads_keeps_no_other_from_being_deleted(
    broker: Broker,
) -> None:
    other = TopicPartition("hydrawatch-state", 4)
    broker.of[TP] = LeaderNotAvailableError()
    await broker.trim.before(TP, 70)
    broker.now += FIRST_PAUSE_S
    await broker.trim.before(other, 90)
    assert broker.begins == {other: 90}
    assert broker.not_deleted() == 1
    broker.of.clear()
    broker.now += 2 * FIRST_PAUSE_S
    await broker.trim.again()
    assert broker.begins == {other: 90, TP: 70}
    assert broker.not_deleted() == 0


async def test_what_a_topic_that_was_made_anew_never_held_is_not_asked_for_again(
    broker: Broker,
) -> None:
    broker.of[TP] = OffsetOutOfRangeError()
    await broker.trim.before(TP, 70)
    assert broker.not_deleted() == 0
    broker.now += LAST_PAUSE_S
    await broker.trim.again()
    assert broker.asked == 1


async def test_a_broker_that_never_does_it_is_asked_ever_less_often(broker: Broker) -> None:
    broker.trouble = KafkaConnectionError()
    for _ in range(24 * 3600):
        await broker.trim.before(TP, 70)
        broker.now += 1
    hours, doublings = 24, 10
    assert broker.asked <= hours + doublings
    assert broker.connections == 0


@pytest.mark.parametrize(
    "refusal", [UnsupportedVersionError(), TopicAuthorizationFailedError("hydrawatch-state")]
)
async def test_who_does_not_know_it_or_refuses_the_right_is_not_asked_again(
    broker: Broker, refusal: Exception
) -> None:
    broker.trouble = refusal
    await broker.trim.before(TP, 70)
    broker.now += 100 * LAST_PAUSE_S
    await broker.trim.before(TP, 90)
    assert broker.asked == 1
    assert broker.not_deleted() == 1
