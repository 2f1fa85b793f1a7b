"""Brokers come back under other addresses while the bootstrap address answers, and a worker goes on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.commands.alerts import values
from streams.settings.settings import Settings
from streams.worker.stopping import STOP_S
from tests.doors import Door
from tests.integration.workers import END_MS, Batch, batches, replayed, send, wait_for
from tests.kafka.cluster import KafkaCluster
from tests.kafka.troubled import fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 1.0, 300, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    with KafkaCluster.start(nodes=3) as three:
        yield three


def _follow(settings: Settings) -> list[bytes]:
    """What `hydrawatch alerts` shows from now on: a client of another library."""
    found: list[bytes] = []

    def follow() -> None:
        for value in values(settings, settings.alerts_topic, from_beginning=True):
            found.append(value)  # noqa: PERF402  (as they come, and they never end)

    threading.Thread(target=follow, daemon=True).start()
    return found


@pytest.mark.parametrize(
    "rounds", [((1,), (2,), (3,)), ((1, 2, 3),)], ids=["one by one", "at once"]
)
def test_a_worker_goes_on_with_brokers_that_have_all_moved(
    cluster: KafkaCluster, world: list[Batch], tmp_path: Path, rounds: tuple[tuple[int, ...], ...]
) -> None:
    half = len(world) // 2
    with Door(cluster.ports["INTERNAL"][0]) as balancer:
        made = fresh_settings(cluster, replication=3)
        settings = made.model_copy(update={"broker": balancer.address})
        expected = replayed(settings, world)
        with ready_worker(settings, tmp_path) as watched:
            followed = _follow(settings)
            send(settings, world[:half])
            watched.until("none read", lambda: watched.total("hydrawatch_events_total") > 0)
            for nodes in rounds:
                balancer.target = cluster.ports["INTERNAL"][nodes[0] % 3]  # of another one
                cluster.move(*nodes)
                balancer.target = cluster.ports["INTERNAL"][nodes[0] - 1]
            send(settings, world[half:])
            assert wait_for(settings, len(expected)) == expected
            watched.until("not followed", lambda: len(followed) == len(expected))
            watched.until("still not ready", lambda: not watched.reasons())
            watched.until("no state", lambda: watched.total("hydrawatch_snapshot_age_seconds") < 10)
            # Nothing had to be helped, and the process is the one that was there before.
            assert watched.total("hydrawatch_connections_renewed_total") == 0
            watched.process.send_signal(signal.SIGTERM)
            assert watched.process.wait(STOP_S) == 0
