"""What the worker's producers promise beyond what aiokafka does."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streams.kafka.producers import end, lasting_producer
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.brokers import fresh_broker

pytestmark = pytest.mark.broker


def test_a_topic_that_is_missing_makes_no_other_be_forgotten() -> None:
    async def leaders_known(settings: Settings) -> set[str]:
        producer = await lasting_producer(settings)
        try:
            for topic in (settings.evidence_topic, settings.handover_topic):
                await (await producer.send(topic, b"{}", partition=0))
            with contextlib.suppress(TimeoutError):  # the embedded broker makes a missing topic
                async with asyncio.timeout(1):
                    await producer.send("hydrawatch.missing", b"{}", partition=0)
            await producer.client.force_metadata_update()
            return set(producer.client.cluster.topics())
        finally:
            await end(producer)

    with fresh_broker() as broker:
        settings = Settings(broker=broker, partitions=1)
        create_topics(settings, 1, replication=1)
        known = asyncio.run(leaders_known(settings))
    assert {settings.evidence_topic, settings.handover_topic} <= known
