"""Faust workers that read in chunks and note what they read."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.bulk.driver import use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions, ChunkSchema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from streams.bulk.chunks import Chunk

    Produce = Callable[[str, Sequence[Sequence[bytes]]], Awaitable[None]]

WORKER = """
import asyncio, sys
import faust
from streams.bulk.driver import use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions, ChunkSchema

broker, name, path, folder = sys.argv[1:]
settings = {**BULK_SETTINGS, "broker_commit_interval": 0.1, "topic_partitions": 2}
settings |= {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4}
settings |= {"broker": "kafka://" + broker, "store": "memory://", "datadir": folder}
app = faust.App(name, **settings)
use_bulk_transport(app, BulkOptions(frozenset({name}), chunk_records=50))

async def read(stream):
    with open(path, "ab", buffering=0) as seen:
        async for event in stream.noack().events():
            await asyncio.sleep(0.01)
            seen.write(b"".join(b"%d %s\\n" % (event.value.partition, v) for v in event.value.values))
            event.ack()

app.agent(app.topic(name, schema=ChunkSchema()), name="read")(read)

async def main():
    await app.start()
    await asyncio.sleep(60)

asyncio.run(main())
"""


class Reader:
    """A Faust worker that notes what it reads, and acknowledges what it is told to.

    Its group and its topic have the same name; what Faust writes down goes into the folder.
    """

    def __init__(
        self,
        broker: str,
        name: str,
        folder: Path,
        *,
        acks: Callable[[Chunk], bool] = lambda _chunk: True,
        start: Callable[[TP], int | None] = lambda _tp: None,
        auto: bool = False,
        table: bool = False,
        concurrency: int = 1,
        pace: float = 0.0,
        chunk_records: int = 100,
        instance: str | None = None,
    ) -> None:
        settings = {**BULK_SETTINGS, "broker_commit_interval": 0.2, "topic_partitions": 2}
        settings |= {"broker": f"kafka://{broker}", "store": "memory://", "datadir": folder}
        # The embedded broker counts generations from 0, in which aiokafka does not say good-bye.
        settings |= {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4}
        if instance:  # time to come back in
            settings |= {"consumer_group_instance_id": instance, "broker_session_timeout": 10.0}
        self.app = faust.App(name, **settings)
        self.seen: dict[int, list[bytes | None]] = defaultdict(list)
        self.events: list[Any] = []

        async def start_offset(tp: TP) -> int | None:
            return start(tp)

        options = BulkOptions(frozenset({name}), start_offset, chunk_records)
        self.transport = use_bulk_transport(self.app, options)
        if table:
            self.table = self.app.Table("kept", default=int, partitions=2)

        async def read(stream: Any) -> None:
            async for event in (stream if auto else stream.noack()).events():
                chunk = event.value
                self.take(chunk)
                self.events.append(event)
                if table:
                    self.table[f"partition {chunk.partition}"] += len(chunk)
                if pace:
                    await asyncio.sleep(pace)
                if not auto and acks(chunk):
                    event.ack()

        self.assignments: list[set[TP]] = []

        async def assigned(_app: faust.App, assigned: set[TP], **_: Any) -> None:
            self.assignments.append(assigned)

        self.app.on_partitions_assigned.connect(assigned, weak=False)
        source = self.app.topic(name, schema=ChunkSchema())
        self.app.agent(source, name="read", concurrency=concurrency)(read)

    def take(self, chunk: Chunk) -> None:
        self.seen[chunk.partition] += chunk.values

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Reader]:
        await self.app.start()
        try:
            yield self
        finally:
            await self.app.stop()

    def numbers(self) -> set[tuple[int, int]]:
        return {(p, int(value or b"-1")) for p, values in self.seen.items() for value in values}

    def count(self) -> int:
        return sum(map(len, self.seen.values()))


class StateKeeper(Reader):
    """Keeps all values of a partition as its state, and reads on from where the state ends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, start=lambda tp: len(self.seen[tp.partition]), **kwargs)

    def take(self, chunk: Chunk) -> None:
        part = chunk.since(len(self.seen[chunk.partition]))
        if part is not None:
            super().take(part)


async def until(holds: Callable[[], bool], seconds: float = 100.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        await asyncio.sleep(0.02)


async def committed(broker: str, group: str, topic: str, partition: int = 0) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, group_id=group)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, partition))
        return offset
    finally:
        await consumer.stop()


def numbered(count: int, begin: int = 0) -> list[bytes]:
    return [b"%d" % number for number in range(begin, begin + count)]
