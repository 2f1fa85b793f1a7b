"""Reading back what was written down: a topic from its beginning to its end of the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from streams.kafka.connection import BrokerError, client_options, explained
from streams.settings.settings import Settings


@asynccontextmanager
async def reader(
    settings: Settings, topic: str, partitions: list[int] | None, begin: int = 0
) -> AsyncIterator[Any]:
    """A consumer without a group at `begin` (0: where records begin) of partitions (None: all)."""
    with explained(settings):
        consumer = AIOKafkaConsumer(
            # A topic that is named here is assigned whole. Partitions cannot be looked up after: Apache
            # Kafka tells a client about the topics that it has named, and no others.
            *([topic] if partitions is None else []),
            **client_options(settings),
            enable_auto_commit=False,
            # Where retention deletes what is being read: what is left, and not nothing at all.
            auto_offset_reset="earliest",
        )
        try:
            await consumer.start()
        except UnknownTopicOrPartitionError as error:
            await consumer.stop()
            raise BrokerError(_missing(settings, topic)) from error
        try:
            if partitions is not None:
                consumer.assign([TopicPartition(topic, p) for p in partitions])
            tps = sorted(consumer.assignment())
            if begin:
                for tp in tps:
                    consumer.seek(tp, begin)
            else:
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
            if not open_ones <= consumer.assignment():
                raise BrokerError(_missing(settings, topic))
            for tp in list(open_ones):
                # The high watermark that comes with a fetch: unlike a listed end offset, it is
                # right with every broker.
                high = consumer.highwater(tp)
                if high is not None and await consumer.position(tp) >= high:
                    open_ones.discard(tp)


def _missing(settings: Settings, topic: str) -> str:
    return f"topic {topic} is missing at {settings.broker}: `hydrawatch topics create` makes it"
