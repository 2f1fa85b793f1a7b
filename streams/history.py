"""Reading back what was written down: a topic from its beginning to its end of the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.broker import client_options, explained
from streams.metrics import Metrics
from streams.settings import Settings

log = structlog.get_logger()


class Mark(msgspec.Struct, frozen=True, tag="idle"):
    """After request `offset` of its partition, nothing before `watermark` (ms) is expected."""

    offset: int
    watermark: int


class ControlMark(msgspec.Struct, frozen=True, tag="control"):
    """A control event, as first read, takes effect at `tick`."""

    control_id: str
    revision: int
    tick: int


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Somebody asks that an account be erased; `account` is its keyed fingerprint."""

    id: str
    account: int


class Forgotten(msgspec.Struct, frozen=True, tag="forgotten"):
    """The account of request `id` is erased after request event `offset` of its partition."""

    id: str
    account: int
    offset: int


class Decided(msgspec.Struct, frozen=True):
    """By which configuration an alert was decided."""

    config_digest: str = ""


class Published(msgspec.Struct, frozen=True):
    """What of an alert record tells whether it was sent already."""

    alert_id: str
    revision: int
    trace: Decided | None = None


AnyMark = Mark | ControlMark | Forget | Forgotten
decode_mark = msgspec.json.Decoder(AnyMark).decode
_published = msgspec.json.Decoder(Published)
encode_mark = msgspec.json.Encoder().encode


async def read_marks(settings: Settings, partition: int) -> list[AnyMark]:
    """Everything written down for one partition, in order."""
    return [
        decode_mark(record.value)
        async for record in read_all(settings, settings.marks_topic, [partition])
    ]


async def read_published(
    settings: Settings, metrics: Metrics, topic: str, digest: str = ""
) -> dict[str, int]:
    """The highest revision of every alert on the topic.

    Others may write there as well: what is no alert is passed over and counted. Where several
    configurations are on trial in one topic, `digest` says whose alerts count.
    """
    highest: dict[str, int] = {}
    foreign = 0
    async for record in read_all(settings, topic, None):
        try:
            alert = _published.decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            foreign += 1
            continue
        if digest and (alert.trace is None or alert.trace.config_digest != digest):
            continue
        highest[alert.alert_id] = max(alert.revision, highest.get(alert.alert_id, 0))
    metrics.foreign_records.labels(topic).set(foreign)
    if foreign:
        log.warning("records that are no alerts were passed over", topic=topic, records=foreign)
    return highest


@asynccontextmanager
async def reader(
    settings: Settings, topic: str, partitions: list[int] | None
) -> AsyncIterator[Any]:
    """A consumer without a group at the beginning of the given partitions (None: all)."""
    with explained(settings):
        consumer = AIOKafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            # Where retention deletes what is being read: what is left, and not nothing at all.
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            if partitions is None:
                partitions = sorted(consumer.partitions_for_topic(topic) or {0})
            tps = [TopicPartition(topic, p) for p in partitions]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            yield consumer
        finally:
            await consumer.stop()


async def read_all(
    settings: Settings, topic: str, partitions: list[int] | None
) -> AsyncIterator[Any]:
    """The records of the given partitions (None: all) from the beginning to the end of the moment."""
    async with reader(settings, topic, partitions) as consumer:
        open_ones = set(consumer.assignment())
        while open_ones:
            fetched = await consumer.getmany(*open_ones, timeout_ms=500, max_records=5000)
            for records in fetched.values():
                for record in records:
                    yield record
            for tp in list(open_ones):
                # The high watermark that comes with a fetch: unlike a listed end offset, it is
                # right with every broker.
                high = consumer.highwater(tp)
                if high is not None and await consumer.position(tp) >= high:
                    open_ones.discard(tp)
