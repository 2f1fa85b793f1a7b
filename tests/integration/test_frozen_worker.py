"""A worker that stands still for longer than its session, or whose partitions somebody else took."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.state import inspect
from streams.state import records as state_records
from tests.integration.workers import replayed, send, stage, two_days, wait_for, worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]


def kept(settings: Settings) -> list[int]:
    """How many requests the kept state of each account partition stands for."""
    found = asyncio.run(inspect.look(settings, configured(settings)))
    return [one.next_offset or 0 for one in found if one.stage == "accounts"]


def wait_until_kept(settings: Settings, records: int) -> list[int]:
    """The same, once it is all of them, or a minute has passed."""
    until = time.monotonic() + 180
    while sum(now := kept(settings)) < records and time.monotonic() < until:
        time.sleep(1)
    return now


def test_what_it_keeps_afterwards_counts(tmp_path: Path) -> None:
    world = two_days(300)
    third = len(world) // 3
    counts = [sum(len(b.keys) for b in world[:end]) for end in (third, 2 * third, len(world))]
    with stage(2) as settings, worker(settings, tmp_path) as frozen:
        send(settings, world[:third])
        assert sum(wait_until_kept(settings, counts[0])) == counts[0]
        frozen.send_signal(signal.SIGSTOP)
        with worker(settings, tmp_path):
            send(settings, world[third : 2 * third])
            assert sum(wait_until_kept(settings, counts[1])) == counts[1]
            frozen.send_signal(signal.SIGCONT)
            time.sleep(8)  # it is put out of the group, joins again, and is given some
            send(settings, world[2 * third :])
            assert sum(wait_until_kept(settings, counts[2])) == counts[2]
            expected = replayed(settings, world)
            assert wait_for(settings, len(expected)) == expected
            assert frozen.poll() is None


async def take_over_the_state(settings: Settings, partition: int) -> None:
    """Do as a worker does that is given a stage."""
    fence = state_records.Fence(state_records.FORMAT, "somebody-else")
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        record = state_records.encode(fence)
        await producer.send_and_wait(settings.state_topic, record, partition=partition)
    finally:
        await producer.stop()


def test_one_that_stays_shut_out_of_what_is_assigned_to_it_ends_and_says_so(tmp_path: Path) -> None:
    world = two_days(300)
    half = len(world) // 2
    counts = [sum(len(b.keys) for b in world[:end]) for end in (half, len(world))]
    with stage(1) as settings:
        said = tmp_path / "log"
        with said.open("wb") as log, worker(settings, tmp_path, log=log) as shut_out:
            send(settings, world[:half])
            wait_until_kept(settings, counts[0])
            asyncio.run(take_over_the_state(settings, 0))
            send(settings, world[half:])
            assert shut_out.wait(180) == 1
        assert "another worker took it over" in said.read_text()
        with worker(settings, tmp_path):
            assert sum(wait_until_kept(settings, counts[1])) == counts[1]
            expected = replayed(settings, world)
            assert wait_for(settings, len(expected)) == expected
