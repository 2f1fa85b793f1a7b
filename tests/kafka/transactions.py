"""What tests say in transactions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from tests.integration.workers import Batch


async def transactional(broker: str, name: str, **more: Any) -> AIOKafkaProducer:
    """A producer that says everything in transactions."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id=name, **more)
    await producer.start()
    return producer


async def say(producer: AIOKafkaProducer, topic: str, batches: Sequence[Batch]) -> None:
    """Send batches within the transaction that is open."""
    sent = [
        await producer.send(topic, value, key=key, timestamp_ms=int(at))
        for batch in batches
        for key, value, at in zip(batch.keys, batch.values, batch.timestamps, strict=True)
    ]
    await asyncio.gather(*sent)
