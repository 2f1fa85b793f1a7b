"""Records that are larger than a dead letter may be: whole where they compress, else their head."""

import asyncio
import hashlib
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError

from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.dead_letters import HEAD_BYTES, dead_letter
from streams.stages.sink import LARGE_BYTES, WHOLE_BYTES, Sink
from tests.integration.workers import batches, replayed, send, stage, wait_for, worker
from worlds.world import build

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
MIB = 1 << 20
SPACES = b" " * (3 * MIB)
NOISE = random.Random(1).randbytes(5 * MIB)
LIMIT = 2 * MIB  # of the topic, which the embedded broker does not enforce


class StrictProducer:
    """A producer whose broker refuses what is over the topic's limit, in its answer."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def send(self, topic: str, value: bytes | None, **rest: Any) -> Any:
        if value is None or len(value) <= LIMIT or not value.strip():
            return await self._inner.send(topic, value, **rest)
        refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        refused.set_exception(MessageSizeTooLargeError())
        return refused

    async def stop(self) -> None:
        await self._inner.stop()


async def put_aside(
    settings: Settings, records: Sequence[tuple[bytes | None, bytes | None]]
) -> Metrics:
    """Send the dead letters of some records as the worker does."""
    metrics = Metrics()
    sink = Sink(settings, metrics)
    await sink.start()
    sink._large = StrictProducer(sink._large)
    try:
        for at, (key, value) in enumerate(records):
            letter = dead_letter(
                key,
                value,
                topic="t",
                partition=0,
                offset=at,
                stage="receiving",
                error="e",
                message="",
            )
            await (await sink.dead_letter(letter))
    finally:
        await sink.stop()
    return metrics


async def letters(settings: Settings, count: int) -> list[Any]:
    """The dead letters on the topic, by the offset of what they are of."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.broker, auto_offset_reset="earliest")
    await consumer.start()
    try:
        topic = settings.dead_letters_topic
        consumer.assign([TopicPartition(topic, p) for p in range(settings.partitions or 1)])
        found: list[Any] = []
        until = time.monotonic() + 180
        while len(found) < count and time.monotonic() < until:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    finally:
        await consumer.stop()
    return sorted(found, key=lambda r: int(dict(r.headers)["hydrawatch.error.offset"]))


async def test_what_compresses_goes_aside_whole_and_the_rest_as_its_head() -> None:
    records = [
        (b"spaces", SPACES),
        (b"noise", NOISE),
        (b"endless", b" " * (WHOLE_BYTES + 1)),
        (NOISE[:LARGE_BYTES], b"{"),
        (b"just", NOISE[: LARGE_BYTES - 10]),
        (None, None),
    ]
    with stage(2) as settings:
        metrics = await put_aside(settings, records)
        found = await letters(settings, len(records))
    spaces, noise, endless, long_key, just, nothing = found
    assert (spaces.key, spaces.value) == (b"spaces", SPACES)
    assert (noise.key, noise.value) == (b"noise", NOISE[:HEAD_BYTES])
    assert (endless.key, endless.value) == (b"endless", b" " * HEAD_BYTES)
    assert (long_key.key, long_key.value) == (NOISE[:LARGE_BYTES], b"{")
    assert (just.key, just.value) == (b"just", NOISE[: LARGE_BYTES - 10])
    assert (nothing.key, nothing.value or b"") == (None, b"")
    headers = dict(noise.headers)
    assert headers["hydrawatch.error.value_bytes"] == b"%d" % len(NOISE)
    assert headers["hydrawatch.error.value_sha256"].decode() == hashlib.sha256(NOISE).hexdigest()
    assert "hydrawatch.error.value_bytes" not in dict(spaces.headers)
    assert metrics.registry.get_sample_value("hydrawatch_dead_letters_cut_total") == 2


def test_a_record_that_was_compressed_small_ends_no_worker(tmp_path: Path) -> None:
    world = batches(build(3, 1.0, 100, 1_777_000_000_000, 60).chunks(4_000))
    with stage(2) as settings:
        expected = replayed(settings, world)
        assert expected
        asyncio.run(_produce_packed(settings, [(b"spaces", SPACES), (None, None)]))
        with worker(settings, tmp_path) as process:
            send(settings, world)
            assert wait_for(settings, len(expected)) == expected
            assert process.poll() is None
        found = asyncio.run(letters(settings, 2))
    assert {(letter.key, letter.value or b"") for letter in found} == {
        (b"spaces", SPACES),
        (None, b""),
    }


async def _produce_packed(
    settings: Settings, records: Sequence[tuple[bytes | None, bytes | None]]
) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.broker, compression_type="gzip", max_request_size=4 * MIB
    )
    await producer.start()
    try:
        for key, value in records:
            batch = producer.create_batch()
            assert batch.append(key=key, value=value, timestamp=1_776_950_000_000)
            batch.close()
            await (await producer.send_batch(batch, settings.requests_topic, partition=0))
    finally:
        await producer.stop()
