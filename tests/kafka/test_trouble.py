"""Trouble at the brokers while a worker runs: it says what is wrong, and what it decides is the same."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka.admin import ConfigResource, ConfigResourceType

from streams.kafka.connection import BrokerError
from streams.settings.settings import Settings
from tests.integration.watched import Watched
from tests.integration.workers import END_MS, Batch, batches, replayed, send, wait_for, worker
from tests.kafka.cluster import KafkaCluster
from tests.kafka.troubled import STALL_S, fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]

WRITTEN = ("alerts_topic", "handover_topic", "evidence_topic", "state_topic")
MINUTE_S, SHORT_S = 60.0, 12.0  # how long the trouble lasts; /livez would fail after 10 s


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 1.0, 300, END_MS).chunks(2_000))


@pytest.fixture
def lasts_s(short: bool) -> float:
    return SHORT_S if short else MINUTE_S


@pytest.fixture(scope="module")
def two_of_three() -> Iterator[tuple[KafkaCluster, dict[str, Settings]]]:
    """A cluster that has lost a node, and topics for each test: none can be made any more."""
    with KafkaCluster.start(nodes=3) as cluster:
        made = {name: fresh_settings(cluster, replication=3) for name in WRITTEN}
        # The first group makes Kafka create a topic that needs all three.
        (first, *_) = made.values()
        member = KafkaConsumer(
            first.control_topic, group_id="first", bootstrap_servers=cluster.bootstrap.split(",")
        )
        while not member.assignment():
            member.poll(timeout_ms=200)
        member.close()
        cluster.kill(3)
        yield cluster, made


def _stays_so(watched: Watched, reason: str, seconds: float) -> None:
    """Not ready for this reason all the time, but alive: a restart would not mend it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        assert reason in watched.reasons()
        assert watched.lives()
        time.sleep(1)


# -- reading ----------------------------------------------------------------------------------


def test_a_partition_that_nobody_leads_for_a_minute_is_waited_for(
    world: list[Batch], tmp_path: Path, lasts_s: float
) -> None:
    half = len(world) // 2
    with KafkaCluster.start(nodes=3, extra={"min.insync.replicas": "1"}) as cluster:
        settings = fresh_settings(cluster)  # one replica of each partition, on three nodes
        expected = replayed(settings, world)
        with ready_worker(settings, tmp_path) as watched:
            send(settings, world[:half])
            dead = cluster.leader(settings.requests_topic)
            cluster.kill(dead)
            watched.says("leaders", f"{settings.requests_topic} [0")
            requests = {"topic": settings.requests_topic}
            assert watched.total("hydrawatch_leaderless_partitions", **requests) >= 1
            _stays_so(watched, "leaders", lasts_s)
            cluster.restart(dead)
            cluster.wait_until_settled()
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected
            watched.until("still not ready", lambda: not watched.reasons())
            watched.comes_to("hydrawatch_leaderless_partitions", 0)


# -- writing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN[:3])
def test_what_too_few_replicas_can_take_waits_and_keeps_its_order(
    two_of_three: tuple[KafkaCluster, dict[str, Settings]],
    world: list[Batch],
    tmp_path: Path,
    lasts_s: float,
    name: str,
) -> None:
    cluster, made = two_of_three
    settings = made[name]
    expected = replayed(settings, world)
    topic = getattr(settings, name)
    with ready_worker(settings, tmp_path) as watched:
        third = len(world) // 3
        send(settings, world[:third])
        _needs_in_sync(cluster, topic, 3)
        send(settings, world[third : 2 * third])
        watched.says("delivery", f"{topic} has taken no write for")
        watched.says("replicas", f"{topic} [0")
        assert watched.total("hydrawatch_undelivered_seconds", topic=topic) > STALL_S
        assert watched.total("hydrawatch_under_min_isr_partitions", topic=topic) >= 1
        _stays_so(watched, "delivery", lasts_s)
        _needs_in_sync(cluster, topic, 2)
        send(settings, world[2 * third :])
        assert wait_for(settings, len(expected)) == expected
        watched.until("still not ready", lambda: not watched.reasons())
        watched.comes_to("hydrawatch_undelivered_seconds", 0)


def test_state_that_is_not_taken_stops_no_alert_and_is_kept_again_after(
    two_of_three: tuple[KafkaCluster, dict[str, Settings]],
    world: list[Batch],
    tmp_path: Path,
    lasts_s: float,
) -> None:
    cluster, made = two_of_three
    settings = made["state_topic"]
    expected = replayed(settings, world)
    half = len(world) // 2
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        watched.until("ready", lambda: not watched.reasons())
        send(settings, world[:half])
        watched.until("no state", lambda: watched.total("hydrawatch_snapshots_total") > 3)
        _needs_in_sync(cluster, settings.state_topic, 3)
        send(settings, world[half:])
        assert wait_for(settings, len(expected)) == expected
        watched.until("all is well", lambda: "state" in watched.reasons())
        _stays_so(watched, "state", lasts_s)
        assert watched.total("hydrawatch_snapshot_age_seconds") > STALL_S
        assert watched.total("hydrawatch_snapshot_failures_total") >= 1
        _needs_in_sync(cluster, settings.state_topic, 2)
        watched.until("still not ready", lambda: not watched.reasons())
        watched.until("old", lambda: watched.total("hydrawatch_snapshot_age_seconds") < STALL_S)
        process.kill()
    # What was kept is whole: who comes next says nothing twice.
    with ready_worker(settings, tmp_path):
        assert wait_for(settings, len(expected)) == expected


def test_a_broker_that_hangs_is_waited_for_and_what_it_took_is_not_sent_again(
    world: list[Batch], tmp_path: Path, lasts_s: float
) -> None:
    half = len(world) // 2
    with KafkaCluster.start() as cluster:
        settings = fresh_settings(cluster, chunk_records=200)
        expected = replayed(settings, world)
        with ready_worker(settings, tmp_path) as watched:
            send(settings, world[:half])
            node = cluster.node(1)
            node.pause()
            try:
                watched.says("broker", "no broker answers")
                assert watched.total("hydrawatch_broker_silent") == 1
                # Here /livez fails after 10 s, and that a broker hangs may take half a minute to see.
                watched.until("taken for dead", watched.lives)
                _stays_so(watched, "broker", lasts_s)
            finally:
                node.resume()
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected
            watched.until("still not ready", lambda: not watched.reasons())
            watched.comes_to("hydrawatch_broker_silent", 0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own of 160 MB, in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount a small disk: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_broker_whose_disk_is_full_ends_and_is_waited_for_until_there_is_room(
    small_disk: Path,
    world: list[Batch],
    tmp_path: Path,
    lasts_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = len(world) // 2
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    with KafkaCluster.start() as cluster:
        settings = fresh_settings(cluster)
        expected = replayed(settings, world)
        with ready_worker(settings, tmp_path) as watched:
            send(settings, world[:half])
            filler = small_disk / "filler"
            _fill(filler)
            until = time.monotonic() + 180
            while cluster.node(
                1
            ).running:  # it ends when it cannot write: state is kept each second
                with contextlib.suppress(BrokerError):
                    send(settings, world[half : half + 1])
                assert time.monotonic() < until
            assert "No space left on device" in cluster.node(1).log()
            watched.until("no word of it", lambda: "broker" in watched.reasons())
            _stays_so(watched, "broker", lasts_s)
            filler.unlink()
            cluster.restart(1)
            # Events are told by their ids: some of this batch may have been taken.
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected
            watched.until("still not ready", lambda: not watched.reasons())


def _fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


def _needs_in_sync(cluster: KafkaCluster, topic: str, replicas: int) -> None:
    admin = cluster.admin()
    try:
        admin.alter_configs(
            [
                ConfigResource(
                    ConfigResourceType.TOPIC, topic, {"min.insync.replicas": str(replicas)}
                )
            ]
        )
    finally:
        admin.close()
