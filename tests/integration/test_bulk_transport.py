"""Reading in chunks through a real broker: order, commits, restarts, rebalances."""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from streams.transport import BULK_SETTINGS, BulkOptions, ChunkSchema, use_bulk_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from streams.transport_chunks import Chunk

    Produce = Callable[[str, Sequence[Sequence[bytes]]], Awaitable[None]]

pytestmark = [pytest.mark.broker, pytest.mark.timeout(60)]


WORKER = """
import asyncio, sys
import faust
from streams.transport import BULK_SETTINGS, BulkOptions, ChunkSchema, use_bulk_transport

broker, name, path = sys.argv[1:]
settings = {**BULK_SETTINGS, "broker_commit_interval": 0.1, "topic_partitions": 2}
settings |= {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4}
app = faust.App(name, broker="kafka://" + broker, store="memory://", **settings)
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
    """A Faust worker that notes what it reads, and acknowledges what it is told to."""

    def __init__(
        self,
        broker: str,
        group: str,
        topic: str,
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
        # The embedded broker counts generations from 0, in which aiokafka does not say good-bye.
        settings |= {"broker_session_timeout": 2.0, "broker_heartbeat_interval": 0.4}
        if instance:  # time to come back in
            settings |= {"consumer_group_instance_id": instance, "broker_session_timeout": 10.0}
        self.app = faust.App(group, broker=f"kafka://{broker}", store="memory://", **settings)
        self.topic = topic
        self.seen: dict[int, list[bytes | None]] = defaultdict(list)
        self.events: list[Any] = []
        options = BulkOptions(frozenset({topic}), start, chunk_records)
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
        source = self.app.topic(topic, schema=ChunkSchema())
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


async def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
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


async def test_one_worker_sees_every_record_once_and_in_order(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(1050), numbered(777)])
    reader = Reader(broker, fresh_name, fresh_name)
    async with reader.running():
        await until(lambda: reader.count() >= 1827)
        await asyncio.sleep(0.5)
    assert reader.seen == {0: numbered(1050), 1: numbered(777)}
    assert max(len(event.value) for event in reader.events) == 100
    assert await committed(broker, fresh_name, fresh_name, 0) == 1050
    assert await committed(broker, fresh_name, fresh_name, 1) == 777


async def test_what_is_not_acked_is_not_committed_and_comes_again(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(500)])
    first = Reader(broker, fresh_name, fresh_name, acks=lambda c: c.last_offset < 300)
    async with first.running():
        await until(lambda: first.count() == 500)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 300
    second = Reader(broker, fresh_name, fresh_name)
    async with second.running():
        await until(lambda: second.count() == 200)
    assert second.seen[0] == numbered(200, 300)
    assert await committed(broker, fresh_name, fresh_name) == 500


async def test_acks_out_of_order_commit_only_the_prefix(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(500)])
    reader = Reader(broker, fresh_name, fresh_name, acks=lambda _chunk: False)
    async with reader.running():
        await until(lambda: len(reader.events) == 5)
        for place in (4, 3, 0):
            reader.events[place].ack()
        await reader.app.commit({fresh_name})
        assert await committed(broker, fresh_name, fresh_name) == 100
        reader.events[1].ack()
        await reader.app.commit({fresh_name})
        assert await committed(broker, fresh_name, fresh_name) == 200
        reader.transport.ack_through(TP(fresh_name, 0), 250)
        await reader.app.commit({fresh_name})
        assert await committed(broker, fresh_name, fresh_name) == 251


async def test_agents_that_let_faust_ack_work_too(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(1000)])
    reader = Reader(broker, fresh_name, fresh_name, auto=True, concurrency=3, pace=0.01)
    async with reader.running():
        await until(lambda: reader.count() == 1000)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 1000


@pytest.mark.parametrize("table", [False, True], ids=["without-table", "with-table"])
async def test_the_start_hook_reads_again_from_the_beginning(
    broker: str, fresh_name: str, produce: Produce, table: bool
) -> None:
    await produce(fresh_name, [numbered(500), numbered(50)])
    first = Reader(broker, fresh_name, fresh_name, table=table)
    async with first.running():
        await until(lambda: first.count() == 550)
    assert await committed(broker, fresh_name, fresh_name) == 500
    asked: list[TP] = []

    def start(tp: TP) -> int | None:
        asked.append(tp)
        return 0 if tp.partition == 0 else None

    second = Reader(broker, fresh_name, fresh_name, start=start, table=table)
    async with second.running():
        await until(lambda: second.count() == 500)
        await produce(fresh_name, [numbered(100, 500), numbered(10, 50)])
        await until(lambda: second.count() == 610)
        await asyncio.sleep(0.5)
    assert second.seen == {0: numbered(600), 1: numbered(10, 50)}
    assert set(asked) == {TP(fresh_name, 0), TP(fresh_name, 1)}
    assert await committed(broker, fresh_name, fresh_name) == 600


async def test_reading_again_below_the_committed_offset_commits_nothing(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(500)])
    first = Reader(broker, fresh_name, fresh_name)
    async with first.running():
        await until(lambda: first.count() == 500)
    second = Reader(
        broker, fresh_name, fresh_name, start=lambda _tp: 0, acks=lambda c: c.last_offset < 200
    )
    async with second.running():
        await until(lambda: second.count() == 500)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 500


async def test_two_workers_share_partitions_and_a_leave_loses_nothing(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(3000), numbered(3000)])
    one = Reader(broker, fresh_name, fresh_name, pace=0.02)
    two = Reader(broker, fresh_name, fresh_name, pace=0.02)
    async with two.running():
        async with one.running():
            await until(lambda: len(one.seen) > 0 and len(two.seen) > 0)
            both = sorted([*one.app.consumer.assignment(), *two.app.consumer.assignment()])
            assert both == [TP(fresh_name, 0), TP(fresh_name, 1)]
        await until(lambda: two.app.consumer.assignment() == {*both})
        await produce(fresh_name, [numbered(100, 3000), numbered(100, 3000)])
        await until(
            lambda: all(len({*one.seen[p], *two.seen[p]}) == 3100 for p in (0, 1)), seconds=30
        )
        await asyncio.sleep(0.5)
    for partition in (0, 1):
        assert await committed(broker, fresh_name, fresh_name, partition) == 3100
        # each reads in order, apart from the step back at a rebalance
        for reader in (one, two):
            numbers = [int(value or 0) for value in reader.seen[partition]]
            steps = [b - a for a, b in itertools.pairwise(numbers) if b - a > 1]
            assert len(steps) <= 1, steps


async def test_state_that_is_kept_or_rebuilt_through_rebalances_counts_every_record_once(
    broker: str, fresh_name: str, produce: Produce
) -> None:
    await produce(fresh_name, [numbered(3000), numbered(3000)])
    workers = [StateKeeper(broker, fresh_name, fresh_name, pace=0.02) for _ in range(3)]
    async with workers[0].running():
        await until(lambda: workers[0].count() > 500)
        async with workers[1].running():
            await until(lambda: workers[1].count() > 500)
            async with workers[2].running():
                await until(lambda: len(workers[1].app.consumer.assignment()) < 2)
                await asyncio.sleep(1.0)
        await until(lambda: len(workers[0].app.consumer.assignment()) == 2)
        await until(lambda: workers[0].count() == 6000)
        await asyncio.sleep(0.3)
    assert workers[0].seen == {0: numbered(3000), 1: numbered(3000)}
    for worker in workers[1:]:
        for partition, values in worker.seen.items():
            assert values == numbered(len(values)), (partition, len(values))


async def test_what_a_killed_worker_had_not_finished_is_read_by_the_next(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(4000), numbered(4000)])
    everything = {(p, n) for p in (0, 1) for n in range(4000)}
    path = tmp_path / "seen"

    def seen() -> set[tuple[int, int]]:
        lines = path.read_text().splitlines() if path.exists() else []
        return {(int(p), int(n)) for p, n in map(str.split, lines)}

    doomed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, broker, fresh_name, str(path)
    )
    try:
        await until(lambda: len(seen()) > 1500)
    finally:
        doomed.kill()
        await doomed.wait()
    before = seen()
    assert before < everything
    heir = Reader(broker, fresh_name, fresh_name)
    async with heir.running():
        await until(lambda: before | heir.numbers() == everything)
        await asyncio.sleep(0.5)
    assert len(before & heir.numbers()) < 2000  # it went on from a commit, not from the beginning
    for partition in (0, 1):
        assert await committed(broker, fresh_name, fresh_name, partition) == 4000
