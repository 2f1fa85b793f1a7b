"""What tests do to the records of a topic: delete them, and see where it ends."""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

HIGH_WATERMARK = -1  # in a DeleteRecords request: all that there is


def delete_before(broker: str, topic: str, offsets: dict[int, int]) -> None:
    """Delete the records of partitions before these offsets."""
    asyncio.run(_delete_before(broker, topic, offsets))


async def _delete_before(broker: str, topic: str, offsets: dict[int, int]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(topic, p): RecordsToDelete(o) for p, o in offsets.items()}
        )
    finally:
        await admin.close()


def ends(broker: str, topic: str, partitions: int) -> dict[int, int]:
    """Where each partition ends."""
    return asyncio.run(_ends(broker, topic, partitions))


async def _ends(broker: str, topic: str, partitions: int) -> dict[int, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker)
    await consumer.start()
    try:
        places = [TopicPartition(topic, p) for p in range(partitions)]
        return {tp.partition: end for tp, end in (await consumer.end_offsets(places)).items()}
    finally:
        await consumer.stop()
