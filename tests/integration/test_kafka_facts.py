"""What the worker takes for granted of Apache Kafka and of its clients, asked of the real ones."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.integration.bulk_readers import Reader, committed, numbered, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.bulk_readers import Produce

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]


async def test_a_restart_with_the_same_instance_id_moves_no_partition(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(100), numbered(100)])
    one = Reader(broker, fresh_name, tmp_path, instance="one")
    async with one.running():
        await until(lambda: one.count() == 200)
        two = Reader(broker, fresh_name, tmp_path, instance="two")
        async with two.running():
            await until(lambda: len(one.app.consumer.assignment()) == 1)
            await until(lambda: len(two.app.consumer.assignment()) == 1)
            mine, theirs = one.app.consumer.assignment(), two.app.consumer.assignment()
            await until(lambda: one.assignments[-1] == mine)
            heard = len(one.assignments)
        again = Reader(broker, fresh_name, tmp_path, instance="two")
        async with again.running():
            await until(lambda: again.app.consumer.assignment() == theirs)
            await asyncio.sleep(1.5)  # three heartbeats: one would have heard of a rebalance
            assert one.app.consumer.assignment() == mine
            assert len(one.assignments) == heard
            await produce(fresh_name, [numbered(10, 100), numbered(10, 100)])
            await until(lambda: one.count() + again.count() >= 220)


async def test_a_restart_without_an_instance_id_moves_partitions_there_and_back(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    """The other half: what the test above would see if static membership did nothing."""
    await produce(fresh_name, [numbered(10), numbered(10)])
    one = Reader(broker, fresh_name, tmp_path)
    async with one.running():
        await until(lambda: one.count() == 20)
        two = Reader(broker, fresh_name, tmp_path)
        async with two.running():
            await until(lambda: len(one.assignments[-1]) == 1)
        await until(lambda: len(one.assignments[-1]) == 2)  # it said good-bye


async def test_the_listed_end_of_a_topic_is_its_high_watermark(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(1234)])
    place = TopicPartition(fresh_name, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=broker)
    await consumer.start()
    try:
        assert (await consumer.end_offsets([place]))[place] == 1234
        consumer.assign([place])
        consumer.seek(place, 0)
        await consumer.getmany(place, timeout_ms=5000)
        assert consumer.highwater(place) == 1234
    finally:
        await consumer.stop()


async def test_a_transaction_leaves_an_offset_that_no_record_has(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    """Who compares counts with offsets, or waits for the last offset's record, would be wrong."""
    await produce(fresh_name, [numbered(1)])
    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id=fresh_name)
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send(fresh_name, b"2", partition=0)
    finally:
        await producer.stop()
    await produce(fresh_name, [numbered(1, 3)])
    place = TopicPartition(fresh_name, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=broker)
    await consumer.start()
    try:
        consumer.assign([place])
        consumer.seek(place, 0)
        found = []
        while len(found) < 3:
            for records in (await consumer.getmany(place, timeout_ms=5000)).values():
                found += [record.offset for record in records]
        assert found == [0, 1, 3]
        assert consumer.highwater(place) == 4
    finally:
        await consumer.stop()


async def test_a_bulk_reader_goes_across_the_gaps_that_transactions_leave(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(5), []])
    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id=fresh_name)
    await producer.start()
    try:
        for number in range(5, 25):
            async with producer.transaction():
                await producer.send(fresh_name, b"%d" % number, partition=0)
    finally:
        await producer.stop()
    reader = Reader(broker, fresh_name, tmp_path, chunk_records=7)
    async with reader.running():
        await until(lambda: reader.count() == 25)
        await asyncio.sleep(0.5)
    assert reader.seen[0] == numbered(25)
    # The end, 45, holds no record but a marker, which is passed all the same.
    assert await committed(broker, fresh_name, fresh_name) == 45
