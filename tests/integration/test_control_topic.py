"""The control topic as the campaign owner reads it, while ticks go on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from detectors.config import load_config
from detectors.contract.alert import as_of
from detectors.exchange.report import Report, encode
from streams.bulk.chunks import Chunk
from streams.decisions.log import ControlMark, decode, read_marks
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.owner import OwnerStage
from streams.stages.sink import Sink
from streams.topics.create import create_topics
from streams.topics.plan import PLANS

pytestmark = pytest.mark.broker

MINUTE = 60_000
AnySink = TypeVar("AnySink", bound=Sink)
START = 1_767_571_200_000 // MINUTE
LOADED = load_config("[engine]\npartitions = 1")
ALLOWANCE = {
    "control_id": "c-1",
    "kind": "allowance",
    "at": START * MINUTE,
    "recorded_at": START * MINUTE,
    "until": (START + 10_000) * MINUTE,
    "account_id": "a-1",
    "families": ["identity"],
}


class SlowBroker(Sink):
    """The worker's producer, with a broker that takes its time to say that a mark is durable."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, Metrics())
        self.asked, self.answer = asyncio.Event(), asyncio.Event()

    async def mark(self, partition: int, record: bytes) -> int:
        if isinstance(decode(record, self.settings.marks_topic), ControlMark):
            self.asked.set()
            await self.answer.wait()
        return await super().mark(partition, record)


def plainly(settings: Settings) -> Sink:
    """The worker's producer as it is."""
    return Sink(settings, Metrics())


@asynccontextmanager
async def scene(
    broker: str, prefix: str, connect: Callable[[Settings], AnySink]
) -> AsyncIterator[tuple[Settings, AnySink, OwnerStage, AIOKafkaProducer]]:
    """Topics of its own, an owner with its sink, and a producer for what others write."""
    names = {plan.setting: f"{prefix}{plan.setting}" for plan in PLANS}
    settings = Settings(broker=broker, partitions=1, **names)
    await asyncio.to_thread(create_topics, settings, 1, replication=1)
    sink = connect(settings)
    await sink.start()
    stage = OwnerStage(settings, LOADED, sink, Metrics())
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    try:
        yield settings, sink, stage, producer
    finally:
        stage.close()
        await producer.stop()
        await sink.stop()


def reports(offset: int, tick: int) -> Chunk:
    """What both sources say once they have passed a tick."""
    values = [record for source in (0, 1) for record in encode(Report(source, tick))]
    offsets = np.arange(offset, offset + len(values))
    end = offset + len(values)
    return Chunk(
        "evidence", 0, list(values), [None] * len(values), offsets, offsets, end, offset, end
    )


async def take(stage: OwnerStage, chunk: Chunk) -> None:
    """Give the owner a chunk as its agent does."""
    await stage.prepare()
    async with stage.busy:
        await stage.process(chunk)


async def test_a_control_event_is_written_down_before_any_tick_closes_with_it(broker: str) -> None:
    async with scene(broker, "control-", SlowBroker) as (settings, sink, stage, producer):
        await take(stage, reports(0, START + 5))
        await producer.send_and_wait(settings.control_topic, orjson.dumps(ALLOWANCE))
        await asyncio.wait_for(sink.asked.wait(), 60)
        later = asyncio.create_task(take(stage, reports(2, START + 20)))
        await asyncio.sleep(0.2)  # as long as it likes: the broker has not answered
        assert stage.owner.closed == START + 5
        assert not stage.owner.books.control.allowances
        assert stage.owner.control_log == []
        sink.answer.set()
        await asyncio.wait_for(later, 60)
        assert stage.owner.closed == START + 20
        assert stage.owner.books.control.allowances
        (mark,) = await read_marks(settings, 0)
        assert isinstance(mark, ControlMark)
        assert (mark.control_id, mark.revision, mark.tick) == ("c-1", 1, START + 6)


async def test_a_control_event_holds_from_behind_what_was_said_before_a_restart(
    broker: str,
) -> None:
    async with scene(broker, "control-after-", plainly) as (settings, _, stage, producer):
        said = {"alert_id": "a", "revision": 1, "as_of": as_of(START + 50)}
        await producer.send_and_wait(settings.alerts_topic, orjson.dumps(said), key=b"a")
        await producer.send_and_wait(settings.control_topic, orjson.dumps(ALLOWANCE))
        await take(stage, reports(0, START + 5))  # of which more was said before the restart
        (mark,) = await read_marks(settings, 0)
        assert isinstance(mark, ControlMark)
        assert mark.tick == START + 51


async def test_an_old_control_event_whose_mark_is_gone_holds_from_its_own_time(broker: str) -> None:
    async with scene(broker, "control-old-", plainly) as (settings, _, stage, producer):
        # Given weeks ago, while alerts were said; now all that the topics hold is decided anew.
        now = time.time_ns() // 1_000_000
        said = {"alert_id": "a", "revision": 1, "as_of": now // MINUTE * MINUTE}
        await producer.send_and_wait(settings.alerts_topic, orjson.dumps(said), key=b"a")
        await producer.send_and_wait(
            settings.control_topic, orjson.dumps(ALLOWANCE), timestamp_ms=now - 40 * 1_440 * MINUTE
        )
        await take(stage, reports(0, START + 5))
        assert stage.owner.books.control.allowances
        (mark,) = await read_marks(settings, 0)
        assert isinstance(mark, ControlMark)
        assert mark.tick == START
