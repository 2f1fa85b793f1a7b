"""Reading in chunks while workers come, go and are killed: nothing is lost, nothing counted twice."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import TYPE_CHECKING

import pytest
from aiokafka.errors import KafkaError
from faust.types import TP

from tests.integration.bulk_readers import WORKER, Reader, StateKeeper, committed, numbered, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.bulk_readers import Produce

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]


async def test_two_workers_share_partitions_and_a_leave_loses_nothing(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(3000), numbered(3000)])
    one = Reader(broker, fresh_name, tmp_path, pace=0.02)
    two = Reader(broker, fresh_name, tmp_path, pace=0.02)
    async with two.running():
        async with one.running():
            count = 3000
            while not (one.seen and two.seen):  # the first may be done before the second has joined
                await produce(fresh_name, [numbered(100, count), numbered(100, count)])
                count += 100
                await asyncio.sleep(0.2)
            both = sorted([*one.app.consumer.assignment(), *two.app.consumer.assignment()])
            assert both == [TP(fresh_name, 0), TP(fresh_name, 1)]
        await until(lambda: two.app.consumer.assignment() == {*both})
        await produce(fresh_name, [numbered(100, count), numbered(100, count)])
        count += 100
        await until(lambda: all(len({*one.seen[p], *two.seen[p]}) == count for p in (0, 1)))
        await asyncio.sleep(0.5)
    for partition in (0, 1):
        assert await committed(broker, fresh_name, fresh_name, partition) == count
        # each reads in order, apart from the step back at a rebalance
        for reader in (one, two):
            numbers = [int(value or 0) for value in reader.seen[partition]]
            steps = [b - a for a, b in itertools.pairwise(numbers) if b - a > 1]
            assert len(steps) <= 1, steps


async def test_state_that_is_kept_or_rebuilt_through_rebalances_counts_every_record_once(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(3000), numbered(3000)])
    workers = [StateKeeper(broker, fresh_name, tmp_path, pace=0.02) for _ in range(3)]
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
        sys.executable, "-c", WORKER, broker, fresh_name, str(path), str(tmp_path)
    )
    try:
        await until(lambda: len(seen()) > 1500)
    finally:
        doomed.kill()
        await doomed.wait()
    before = seen()
    assert before < everything
    heir = Reader(broker, fresh_name, tmp_path)
    async with heir.running():
        await until(lambda: before | heir.numbers() == everything)
        await asyncio.sleep(0.5)
    assert len(before & heir.numbers()) < 2000  # it went on from a commit, not from the beginning
    for partition in (0, 1):
        assert await committed(broker, fresh_name, fresh_name, partition) == 4000


async def test_what_the_coordinator_says_in_a_rebalance_is_told_while_nothing_is_fetched(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(10), numbered(10)])
    reader = Reader(broker, fresh_name, tmp_path, acks=lambda _: False)  # a commit would raise it
    async with reader.running():
        await until(lambda: reader.count() == 20)
        assert reader.transport.group_error() is None
        reader.app.consumer.stop_flow()  # as Faust does when partitions are revoked
        await asyncio.sleep(2)  # the fetch that is under way ends
        thread = reader.app.consumer._thread
        refusal = KafkaError("unknown")
        thread.thread_loop.call_soon_threadsafe(
            thread._consumer._coordinator._push_error_to_user, refusal
        )
        await until(lambda: isinstance(reader.transport.group_error(), KafkaError))
        await asyncio.sleep(1.5)
        assert reader.transport.group_error() is not None  # nobody else takes note
