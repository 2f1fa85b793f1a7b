"""Reading in chunks through a real broker: order, commits, restarts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from faust.types import TP

from tests.integration.bulk_readers import Reader, committed, numbered, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.bulk_readers import Produce

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]


async def test_one_worker_sees_every_record_once_and_in_order(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(1050), numbered(777)])
    reader = Reader(broker, fresh_name, tmp_path)
    async with reader.running():
        await until(lambda: reader.count() >= 1827)
        await asyncio.sleep(0.5)
    assert reader.seen == {0: numbered(1050), 1: numbered(777)}
    assert max(len(event.value) for event in reader.events) == 100
    assert await committed(broker, fresh_name, fresh_name, 0) == 1050
    assert await committed(broker, fresh_name, fresh_name, 1) == 777


async def test_what_is_not_acked_is_not_committed_and_comes_again(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(500)])
    first = Reader(broker, fresh_name, tmp_path, acks=lambda c: c.last_offset < 300)
    async with first.running():
        await until(lambda: first.count() == 500)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 300
    second = Reader(broker, fresh_name, tmp_path)
    async with second.running():
        await until(lambda: second.count() == 200)
    assert second.seen[0] == numbered(200, 300)
    assert await committed(broker, fresh_name, fresh_name) == 500


async def test_acks_out_of_order_commit_only_the_prefix(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(500)])
    reader = Reader(broker, fresh_name, tmp_path, acks=lambda _chunk: False)
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
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(1000)])
    reader = Reader(broker, fresh_name, tmp_path, auto=True, concurrency=3, pace=0.01)
    async with reader.running():
        await until(lambda: reader.count() == 1000)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 1000


@pytest.mark.parametrize("table", [False, True], ids=["without-table", "with-table"])
async def test_the_start_hook_reads_again_from_the_beginning(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path, table: bool
) -> None:
    await produce(fresh_name, [numbered(500), numbered(50)])
    first = Reader(broker, fresh_name, tmp_path, table=table)
    async with first.running():
        await until(lambda: first.count() == 550)
    assert await committed(broker, fresh_name, fresh_name) == 500
    asked: list[TP] = []

    def start(tp: TP) -> int | None:
        asked.append(tp)
        return 0 if tp.partition == 0 else None

    second = Reader(broker, fresh_name, tmp_path, start=start, table=table)
    async with second.running():
        await until(lambda: second.count() == 500)
        await produce(fresh_name, [numbered(100, 500), numbered(10, 50)])
        await until(lambda: second.count() == 610)
        await asyncio.sleep(0.5)
    assert second.seen == {0: numbered(600), 1: numbered(10, 50)}
    assert set(asked) == {TP(fresh_name, 0), TP(fresh_name, 1)}
    assert await committed(broker, fresh_name, fresh_name) == 600


async def test_reading_again_below_the_committed_offset_commits_nothing(
    broker: str, fresh_name: str, produce: Produce, tmp_path: Path
) -> None:
    await produce(fresh_name, [numbered(500)])
    first = Reader(broker, fresh_name, tmp_path)
    async with first.running():
        await until(lambda: first.count() == 500)
    second = Reader(
        broker, fresh_name, tmp_path, start=lambda _tp: 0, acks=lambda c: c.last_offset < 200
    )
    async with second.running():
        await until(lambda: second.count() == 500)
        await asyncio.sleep(0.5)
    assert await committed(broker, fresh_name, fresh_name) == 500
