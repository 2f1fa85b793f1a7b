"""Who of several workers may write down what is used after, as they come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from aiokafka import AIOKafkaProducer

from detectors.errors import StateError
from streams.decisions.log import (
    Accepted,
    ControlMark,
    DecisionLog,
    Erased,
    EraseRequest,
    Fence,
    IdleMark,
    Saying,
    decode,
    encode,
    read_marks,
)
from streams.kafka.connection import BrokerError
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.erasure import Asked, Erasures, answered
from streams.stages.published_alerts import read_published
from streams.stages.sink import Sink
from streams.topics.create import create_topics
from streams.topics.plan import PLANS
from tests.brokers import delete_topic

pytestmark = pytest.mark.broker
NUMBERS = count(1)


@pytest.fixture
async def sink(broker: str, request: pytest.FixtureRequest) -> AsyncIterator[Sink]:
    test = f"{request.function.__name__[:60]}-{next(NUMBERS)}"
    names = {plan.setting: f"{test}-{plan.setting}" for plan in PLANS}
    settings = Settings(broker=broker, partitions=1, **names)
    await asyncio.to_thread(create_topics, settings, 1, replication=1)
    sink = Sink(settings, Metrics())
    await sink.start()
    yield sink
    await sink.stop()


@asynccontextmanager
async def producer_to(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def log_of(sink: Sink, role: str = "accounts") -> DecisionLog:
    return DecisionLog(sink.settings, role, 0, sink)  # type: ignore[arg-type]


def watermarks(marks: list[object]) -> list[int]:
    return [mark.watermark for mark in marks if isinstance(mark, IdleMark)]


async def test_who_comes_next_goes_on_from_what_was_written(sink: Sink) -> None:
    first, second = log_of(sink), log_of(sink)
    assert await first.take_over() == []
    assert await first.write(IdleMark(4, 100))
    assert await first.write(IdleMark(9, 200))
    assert watermarks(await second.take_over()) == [100, 200]
    assert await second.write(IdleMark(9, 300))
    assert watermarks(await read_marks(sink.settings, 0)) == [100, 200, 300]


async def test_what_a_worker_thought_dead_still_writes_counts_for_nobody(sink: Sink) -> None:
    frozen, successor = log_of(sink), log_of(sink)
    await frozen.take_over()
    assert await frozen.write(IdleMark(4, 100))
    await successor.take_over()
    assert not await frozen.write(IdleMark(4, 900))
    assert frozen.shut_out
    assert not await frozen.write(IdleMark(4, 901))
    assert await successor.write(IdleMark(7, 200))
    assert not successor.shut_out
    assert watermarks(await read_marks(sink.settings, 0)) == [100, 200]
    assert watermarks(await log_of(sink).take_over()) == [100, 200]


async def test_marks_count_on_in_a_topic_that_was_made_anew(sink: Sink) -> None:
    log = log_of(sink)
    await log.take_over()
    for watermark in (100, 200, 300):
        assert await log.write(IdleMark(4, watermark))
    await asyncio.to_thread(delete_topic, sink.settings.broker, sink.settings.marks_topic)
    await asyncio.to_thread(create_topics, sink.settings, 1, replication=1)
    assert await log.write(IdleMark(4, 400))
    assert await log.write(IdleMark(4, 500))
    assert watermarks(await log_of(sink).take_over()) == [400, 500]
    assert not await log.write(IdleMark(4, 600))


@pytest.mark.kafka  # the embedded broker makes what it is asked for
async def test_a_missing_topic_is_named_with_what_makes_it(sink: Sink) -> None:
    missing = sink.settings.model_copy(update={"alerts_topic": "nobody-made-this"})
    with pytest.raises(BrokerError, match=r"nobody-made-this is missing .* topics create"):
        await read_published(missing, Metrics(), missing.alerts_topic)


async def test_the_owner_and_the_accounts_do_not_shut_each_other_out(sink: Sink) -> None:
    accounts, owner = log_of(sink), log_of(sink, "owner")
    await accounts.take_over()
    await owner.take_over()
    assert await accounts.write(IdleMark(4, 100))
    assert await owner.write(ControlMark("c-1", 1, 7))
    assert await accounts.write(IdleMark(5, 200))
    found = await read_marks(sink.settings, 0)
    assert [type(mark) for mark in found] == [IdleMark, ControlMark, IdleMark]


@pytest.mark.parametrize(
    "value",
    [b'{"type":"paused","until":50}', b'{"type":"idle","offset":"3"}', b"\xff", b'"\xff"', None],
)
async def test_what_a_later_version_wrote_down_is_named_with_its_place_and_the_mend(
    sink: Sink, value: bytes | None
) -> None:
    settings, log = sink.settings, log_of(sink)
    await log.take_over()
    async with producer_to(settings) as producer:
        await producer.send_and_wait(settings.marks_topic, value, key=b"k", partition=0)
    said = rf"{settings.marks_topic} \[0\], offset 1: not a mark .*; run the version that wrote it"
    for reading in (
        log.write(IdleMark(4, 100)),
        log_of(sink).take_over(),
        read_marks(settings, 0),
        answered(settings, Asked("f-1", 0, 1), 0.0),
        Erasures(settings).follow(),
    ):
        with pytest.raises(StateError, match=said):
            await asyncio.wait_for(reading, 60)


def test_what_was_written_before_there_were_fences_counts() -> None:
    accepted = Accepted()
    old = decode(b'{"type":"idle","offset":3,"watermark":50}', "marks")
    assert accepted.take(old)
    assert not accepted.take(Fence("accounts", "w-1"))
    assert not accepted.take(old)
    assert accepted.take(IdleMark(4, 60, "w-1"))
    assert not accepted.take(IdleMark(4, 70, "w-0"))
    assert accepted.take(ControlMark("c-1", 1, 7, "w-0"))  # the owner has no fence yet
    assert accepted.take(EraseRequest("f-1", 12))  # anybody may ask


def test_a_mark_reads_as_it_was_written() -> None:
    for mark in (
        IdleMark(1, 2, "w"),
        Erased("i", 3, 4, "w"),
        ControlMark("c", 1, 2, "w"),
        Saying(5, "w"),
        Fence("owner", "w"),
        EraseRequest("i", 3),
    ):
        assert decode(encode(mark), "marks") == mark


def test_an_erasure_that_an_earlier_version_wrote_down_was_of_the_accounts_own_partition() -> None:
    old = decode(b'{"type":"forgotten","id":"f","account":7,"offset":3,"writer":"w"}', "marks")
    assert old == Erased("f", 7, 3, "w", home=True, found=True)
    assert decode(b'{"type":"forget","id":"f","account":7}', "marks") == EraseRequest("f", 7)
    elsewhere = EraseRequest("f", 7, home=False)
    assert decode(encode(elsewhere), "marks") == elsewhere
