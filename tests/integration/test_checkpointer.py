"""A stage's log at a broker: two keeps at once, and records that arrive twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from detectors.state.checkpoint import Checkpoint, Restoration
from streams.observe.metrics import Metrics
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.stage import Kept
from streams.state.changelog import Changelog
from streams.state.checkpointer import Checkpointer
from tests.integration.workers import stage

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
ROWS = 400_000  # several records an entry


class Columns(NamedTuple):
    rows: np.ndarray


class Part:
    """A state of one column."""

    def __init__(self) -> None:
        self.rows = np.zeros(ROWS, np.int64)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint({"rows": self.rows}, b"rest")

    def restoration(self) -> Restoration:
        return Restoration(Columns(self.rows))

    def restore(self, kept: Restoration, rest: bytes) -> None:
        assert rest == b"rest"


class Counting:
    """A stage whose whole state says how far it has come."""

    name = "accounts"

    def __init__(self, partition: int = 0) -> None:
        self.partition = partition
        self.part = Part()
        self.next_offset = 0
        self.busy = asyncio.Lock()

    def go_on(self) -> None:
        self.next_offset += 1
        self.part.rows[:] = np.random.default_rng(self.next_offset).integers(1 << 60, size=ROWS)

    def around(self) -> bytes:
        return b"around"

    def restore(self, kept: Kept) -> None:
        self.next_offset = kept.next_offset


@asynccontextmanager
async def keeping(
    settings: Settings,
    metrics: Metrics | None = None,
    covered: Callable[[TP, int], Any] = lambda _tp, _offset: None,
) -> AsyncIterator[Checkpointer]:
    checkpointer = Checkpointer(
        settings, configured(settings), metrics or Metrics(), lambda _: [], covered
    )
    await checkpointer.start()
    try:
        yield checkpointer
    finally:
        await checkpointer.stop()


async def test_a_stop_that_comes_while_state_is_kept_leaves_a_log_that_can_be_read() -> None:
    with stage(1) as settings:
        tp, first = TP(settings.requests_topic, 0), Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, first, lambda _: None)
            first.go_on()
            in_flight = asyncio.create_task(checkpointer.keep(tp, first))
            await asyncio.sleep(0)
            async with first.busy:  # what it holds is cut, and on its way
                first.go_on()
            await checkpointer.keep_all({tp: first})
            await in_flight
        second = Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, second, lambda _: None)
        assert second.next_offset == 2
        assert (second.part.rows == first.part.rows).all()


async def test_a_stage_that_fails_while_it_says_what_follows_is_kept_as_it_was_before() -> None:
    with stage(1) as settings:
        tp, first = TP(settings.requests_topic, 0), Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, first, lambda _: None)
            async with checkpointer.taking(tp, first):
                first.go_on()
            await checkpointer.keep(tp, first)
            waiting: list[asyncio.Task[None]] = []

            async def fail() -> None:
                async with checkpointer.taking(tp, first):
                    waiting.append(asyncio.create_task(checkpointer.keep(tp, first)))
                    await asyncio.sleep(0)
                    first.go_on()
                    raise OSError("cannot be said")

            with pytest.raises(OSError, match="cannot be said"):
                await fail()
            await asyncio.gather(*waiting)
            await checkpointer.keep_all({tp: first})
        second = Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, second, lambda _: None)
        assert second.next_offset == 1


async def test_a_stage_that_fails_after_it_moved_away_takes_its_successor_nothing() -> None:
    with stage(1) as settings:
        tp, before, after = TP(settings.requests_topic, 0), Counting(), Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, before, lambda _: None)

            async def fail() -> None:
                async with checkpointer.taking(tp, before):
                    checkpointer.release([tp])
                    await checkpointer.recover(tp, after, lambda _: None)
                    raise OSError("cannot be said")

            with pytest.raises(OSError, match="cannot be said"):
                await fail()
            after.go_on()
            await checkpointer.keep_all({tp: after})
        third = Counting()
        async with keeping(settings) as checkpointer:
            await checkpointer.recover(tp, third, lambda _: None)
        assert third.next_offset == 1


async def test_a_stage_in_the_middle_of_something_does_not_hold_up_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("streams.state.checkpointer.BUSY_S", 0.2)
    with stage(2) as settings:
        stuck, free = (TP(settings.requests_topic, at) for at in range(2))
        stages = {stuck: Counting(0), free: Counting(1)}
        kept: asyncio.Queue[TP] = asyncio.Queue()
        metrics = Metrics()
        often = settings.model_copy(update={"snapshot_s": 0.1})
        async with keeping(often, metrics, lambda tp, _: kept.put_nowait(tp)) as checkpointer:
            for tp, one in stages.items():
                await checkpointer.recover(tp, one, lambda _: None)
                one.go_on()
            async with stages[stuck].busy, asyncio.timeout(30):
                running = asyncio.create_task(checkpointer.run(stages))
                assert await kept.get() == free
            running.cancel()
            await checkpointer.keep_all(stages)
            assert kept.get_nowait() == stuck
        # It was not the broker's fault.
        failures = metrics.registry.get_sample_value(
            "hydrawatch_snapshot_failures_total", {"stage": "accounts"}
        )
        assert not failures


async def test_records_that_a_producer_sent_again_are_read_once() -> None:
    with stage(1) as settings:
        producer = AIOKafkaProducer(bootstrap_servers=settings.broker, max_request_size=2 << 20)
        await producer.start()

        async def send(record: bytes) -> Awaitable[Any]:
            await producer.send(settings.state_topic, record, partition=0)
            return await producer.send(settings.state_topic, record, partition=0)  # type: ignore[no-any-return]

        try:
            first, second = Counting(), Counting()
            log = Changelog(settings, 0, {})
            assert await log.recover(first.part, send, lambda _: None) is None
            for _ in range(2):
                first.go_on()
                cut = log.cut(first.part, first.next_offset, first.around())
                await log.keep(cut, [], send)
            kept = await Changelog(settings, 0, {}).recover(second.part, send, lambda _: None)
        finally:
            await producer.stop()
        assert kept == Kept(2, b"around")
        assert (second.part.rows == first.part.rows).all()
