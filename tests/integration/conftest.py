"""A broker of our own for the tests in this directory, and topics with records in them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.brokers import fresh_broker
from tests.integration.workers import Batch, two_days

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def broker() -> Iterator[str]:
    """Address of a broker that lives as long as the test session."""
    with fresh_broker() as address:
        yield address


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    """Two days of a small world with a hydra in it."""
    return two_days()


@pytest.fixture
def fresh_name() -> str:
    """Return a name no other test uses, for topics and consumer groups."""
    return f"hydrawatch-test-{next(_numbers)}"


@pytest.fixture
def produce(broker: str) -> Callable[[str, Sequence[Sequence[bytes]]], Awaitable[None]]:
    """Return a coroutine that creates a topic if need be and fills its partitions in order."""

    async def fill(topic: str, partitions: Sequence[Sequence[bytes]]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=broker)
        await admin.start()
        try:
            if topic not in await admin.list_topics():
                await admin.create_topics([NewTopic(topic, len(partitions), 1)])
        finally:
            await admin.close()
        producer = AIOKafkaProducer(bootstrap_servers=broker, linger_ms=5)
        await producer.start()
        try:
            for partition, values in enumerate(partitions):
                for value in values:
                    await producer.send(topic, value, partition=partition)
        finally:
            await producer.stop()

    return fill
