"""The worker says what replay says: alone, in company, after a kill, and whatever is mixed in."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import numpy as np
import orjson
import pytest
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition

from streams.settings.settings import Settings
from tests.brokers import fresh_broker
from tests.integration.workers import (
    END_MS,
    HYDRAWATCH,
    Batch,
    published,
    replayed,
    send,
    stage,
    wait_for,
    worker,
)
from worlds.malformed import malformed

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
MALFORMED = 200_000


def test_one_worker_says_what_replay_says(world: list[Batch], tmp_path: Path) -> None:
    with stage() as settings:
        expected = replayed(settings, world)
        with worker(settings, tmp_path):
            send(settings, world)
            assert wait_for(settings, len(expected)) == expected
        assert expected


def test_two_workers_and_rebalances_in_mid_stream_say_the_same(
    world: list[Batch], tmp_path: Path
) -> None:
    third = len(world) // 3
    with stage() as settings:
        expected = replayed(settings, world)
        with worker(settings, tmp_path / "one") as first:
            send(settings, world[:third])
            time.sleep(6)
            with worker(settings, tmp_path / "two"):
                time.sleep(5)
                send(settings, world[third : 2 * third])
                time.sleep(5)
                first.send_signal(signal.SIGTERM)
                first.wait(60)
                send(settings, world[2 * third :])
                assert wait_for(settings, len(expected)) == expected


def test_a_killed_worker_is_followed_by_one_that_repeats_nothing(
    world: list[Batch], tmp_path: Path
) -> None:
    half = len(world) * 4 // 5
    with stage() as settings:
        expected = replayed(settings, world)
        with worker(settings, tmp_path) as first:
            send(settings, world[:half])
            until = time.monotonic() + 150
            while not published(settings) and time.monotonic() < until:
                time.sleep(0.5)
            assert published(settings)
            first.kill()
            first.wait()
        with worker(settings, tmp_path):
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected


def test_malformed_records_of_every_kind_go_aside_and_change_nothing(
    world: list[Batch], tmp_path: Path, short: bool
) -> None:
    bad = list(malformed(MALFORMED // 10 if short else MALFORMED, seed=5))
    mixed, sent = _mixed(world, bad)
    with stage() as settings:
        expected = replayed(settings, world)
        with worker(settings, tmp_path):
            send(settings, mixed)
            assert wait_for(settings, len(expected)) == expected
            letters = _dead_letters(settings, len(bad))
    reasons = Counter(reason for _, reason in bad)
    assert Counter(letter[2] for letter in letters) == reasons
    assert Counter(letters) == Counter(sent)


def test_a_partition_without_traffic_holds_nobody_back(world: list[Batch], tmp_path: Path) -> None:
    with stage(16) as settings:
        # Only a few accounts are left: some of the sixteen partitions hear nothing at all.
        keep = sorted({key for batch in world for key in batch.keys})[::60]
        few = [_only(batch, set(keep)) for batch in world]
        replay_ends = _closed_after_replay(settings, few)
        with worker(settings, tmp_path):
            send(settings, few)
            assert _waited_for_ticks(settings, replay_ends) == replay_ends


def test_an_allowance_on_the_control_topic_acts_as_in_replay(
    world: list[Batch], tmp_path: Path
) -> None:
    with stage() as settings:
        plain = replayed(settings, world)
        named = next(
            alert["account_id"]
            for alert in map(orjson.loads, plain)
            if alert["kind"] == "account" and alert["action"] != "observe"
        )
        start = int(world[0].timestamps[0])
        control = orjson.dumps(
            {
                "control_id": "c-1",
                "kind": "allowance",
                "at": start,
                "recorded_at": start,
                "until": END_MS + 86_400_000,
                "account_id": named,
                "families": ["identity", "infrastructure", "content", "lifecycle", "volume"],
            }
        )
        expected = replayed(settings, world, [control])
        assert expected != plain
        _send_control(settings, control)
        _send_control(settings, b'{"control_id": "c-2", "kind": "allowance"}')
        with worker(settings, tmp_path):
            send(settings, world)
            assert wait_for(settings, len(expected)) == expected
        (letter,) = _dead_letters(settings, 1)
        assert letter[1] == b'{"control_id": "c-2", "kind": "allowance"}'


def test_a_worker_refuses_to_start_without_its_topics(tmp_path: Path) -> None:
    with fresh_broker() as broker:
        done = subprocess.run(
            [str(HYDRAWATCH), "worker"],
            env={"HYDRAWATCH_BROKER": broker, "HYDRAWATCH_DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
    assert done.returncode == 2
    assert "hydrawatch topics create" in done.stderr


def _mixed(
    world: list[Batch], bad: list[tuple[bytes | None, str]]
) -> tuple[list[Batch], list[tuple[bytes, bytes | None, str]]]:
    """The world with malformed records in between, and the dead letters to expect."""
    rng = random.Random(7)
    waiting = [(b"bad-%d" % at, value, reason) for at, (value, reason) in enumerate(bad)]
    sent = list(waiting)
    waiting.reverse()
    per_batch = -(-len(waiting) // len(world))
    mixed = []
    for batch in world:
        rows = list(zip(batch.keys, batch.values, batch.timestamps.tolist(), strict=True))
        out: list[tuple[bytes, bytes | None, int]] = []
        extra = [waiting.pop() for _ in range(min(per_batch, len(waiting)))]
        places = sorted(rng.randrange(len(rows)) for _ in extra)
        at = 0
        for row, good in enumerate(rows):
            while at < len(extra) and places[at] == row:
                out.append((extra[at][0], extra[at][1], good[2]))
                at += 1
            out.append(good)
        mixed.append(
            Batch([r[0] for r in out], [r[1] for r in out], np.array([r[2] for r in out], np.int64))
        )
    return mixed, sent


def _dead_letters(settings: Settings, count: int) -> list[tuple[bytes, bytes | None, str]]:
    consumer = KafkaConsumer(bootstrap_servers=settings.broker, auto_offset_reset="earliest")
    topic = settings.dead_letters_topic
    consumer.assign([TopicPartition(topic, p) for p in range(settings.partitions or 4)])
    found: list[tuple[bytes, bytes | None, str]] = []
    until = time.monotonic() + 180
    while len(found) < count and time.monotonic() < until:
        for records in consumer.poll(timeout_ms=500).values():
            for r in records:
                reason = dict(r.headers)["hydrawatch.error.class"].decode()
                found.append((r.key, r.value, reason))
    consumer.close()
    return found


def _only(batch: Batch, accounts: set[bytes]) -> Batch:
    rows = [i for i, key in enumerate(batch.keys) if key in accounts]
    return Batch(
        [batch.keys[i] for i in rows], [batch.values[i] for i in rows], batch.timestamps[rows]
    )


def _closed_after_replay(settings: Settings, batches: list[Batch]) -> int:
    from detectors.engine import Engine
    from streams.settings.detectors_toml import configured

    engine = Engine(configured(settings), settings.hash_key_bytes())
    for batch in batches:
        engine.feed(engine.decode(batch.values, batch.timestamps))
    return engine.owner.closed


def _waited_for_ticks(settings: Settings, tick: int) -> int:
    """The last tick of every source on the evidence topic, once all have reached `tick`."""
    from detectors.exchange.report import decode as decode_report

    consumer = KafkaConsumer(bootstrap_servers=settings.broker, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(settings.evidence_topic, 0)])
    last: dict[int, int] = {}
    until = time.monotonic() + 180
    sources = 2 * (settings.partitions or 4)
    while time.monotonic() < until:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                report = decode_report(record.value)
                last[report.source] = max(report.tick, last.get(report.source, report.tick))
        if len(last) == sources and min(last.values()) >= tick:
            break
    consumer.close()
    return min(last.values()) if len(last) == sources else -1


def _send_control(settings: Settings, value: bytes) -> None:
    import asyncio

    async def put() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
        await producer.start()
        try:
            await producer.send_and_wait(settings.control_topic, value, key=b"c-1", partition=0)
        finally:
            await producer.stop()

    asyncio.run(put())
