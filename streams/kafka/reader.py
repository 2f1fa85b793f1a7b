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
    settings: Settings,
    topic: str,
    partitions: list[int] | None,
    begin: int = 0,
    *,
    committed: bool = False,
) -> AsyncIterator[Any]:
    """A consumer without a group at `begin` (0: where records begin) of partitions (None: all).

    `committed` is for topics that others write to: what they take back in a transaction was never said.
    Of those that only workers write (they use no transactions) everything is read, so that nobody can hide
    what they wrote behind a transaction that he leaves open.
    """
    with explained(settings):
        consumer = AIOKafkaConsumer(
            # A topic that is named here is assigned whole. Partitions cannot be looked up after: Apache
            # Kafka tells a client about the topics that it has named, and no others.
            *([topic] if partitions is None else []),
            **client_options(settings),
            enable_auto_commit=False,
            # Where retention deletes what is being read: what is left, and not nothing at all.
            auto_offset_reset="earliest",
            isolation_level="read_committed" if committed else "read_uncommitted",
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


def readable_end(consumer: Any, tp: TopicPartition, *, committed: bool = False) -> int | None:
    """Up to where a consumer may read a partition, as the last fetch told it; None before that.

    What comes with a fetch is right with every broker, unlike a listed end offset.
    """
    high = consumer.highwater(tp)
    stable = consumer.last_stable_offset(tp) if committed else None
    if high is None or stable is None or stable < 0:  # -1: a broker that has no transactions
        return None if high is None else int(high)
    return min(int(high), int(stable))


async def read_all(
    settings: Settings, topic: str, partitions: list[int] | None, *, committed: bool = False
) -> AsyncIterator[Any]:
    """The records of the given partitions (None: all) from the beginning to the end of the moment.

    `committed`: see `reader`; what lies behind an open transaction is not waited for.
    """
    async with reader(settings, topic, partitions, committed=committed) as consumer:
        open_ones = set(consumer.assignment())
        while open_ones:
            fetched = await consumer.getmany(*open_ones, timeout_ms=500, max_records=5000)
            for records in fetched.values():
                for record in records:
                    yield record
            if not open_ones <= consumer.assignment():
                raise BrokerError(_missing(settings, topic))
            for tp in list(open_ones):
                end = readable_end(consumer, tp, committed=committed)
                if end is not None and await consumer.position(tp) >= end:
                    open_ones.discard(tp)


def _missing(settings: Settings, topic: str) -> str:
    return f"topic {topic} is missing at {settings.broker}: `hydrawatch topics create` makes it"
