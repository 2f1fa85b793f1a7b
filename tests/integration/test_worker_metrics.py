"""A worker tells the truth from outside: when its input stands still, and what is not its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from streams.kafka.embedded_broker import EmbeddedBroker, free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.integration.watched import Watched
from tests.integration.workers import batches, send, worker
from worlds import load

pytestmark = [pytest.mark.broker, pytest.mark.embedded, pytest.mark.timeout(500)]

EVENTS = 120_000
STAGES = 4 + 4 + 1  # of accounts, of keys, and the owner
START_MS = 1_777_000_000_000


def test_a_broker_that_freezes_is_seen_and_when_it_thaws_nothing_is_lost_or_twice(
    tmp_path: Path,
) -> None:
    port = free_port()
    with EmbeddedBroker() as broker:
        # Small chunks: it must not have read everything before we look.
        settings = Settings(
            broker=broker.address, partitions=4, metrics_port=port, stall_s=2.0, chunk_records=2
        )
        create_topics(settings, 4, replication=1)
        send(settings, batches(load.dense(EVENTS, accounts=1_000, start_ms=START_MS)))
        requests = {"topic": settings.requests_topic}
        with worker(settings, tmp_path) as process:
            watched = Watched(process, port)
            watched.until("nothing is read", lambda: watched.total("hydrawatch_events_total") > 0)
            os.killpg(broker.pid, signal.SIGSTOP)
            try:
                # What was fetched before is still read for a while; the other topics stall first.
                watched.until(
                    "no stall",
                    lambda: (
                        "progress" in watched.reasons()
                        and watched.total("hydrawatch_stalled_seconds", **requests) > 2
                    ),
                )
                assert watched.total("hydrawatch_lag_records", **requests) > 0
                assert watched.total("hydrawatch_stalls_total", **requests) >= 1
                assert watched.total("hydrawatch_ready") == 0
            finally:
                os.killpg(broker.pid, signal.SIGCONT)
            watched.until(
                "it does not go on",
                lambda: watched.total("hydrawatch_events_total") >= EVENTS,
                moving="hydrawatch_events_total",
            )
            watched.until("still not ready", lambda: not watched.reasons())
            assert watched.total("hydrawatch_events_total") == EVENTS
            assert watched.total("hydrawatch_events_total", outcome="accepted") == EVENTS


def test_each_partitions_gauges_are_shown_by_its_owner_alone(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        common = {"broker": broker.address, "partitions": 4}
        ports = free_port(), free_port()
        first, second = (Settings(**common, metrics_port=port) for port in ports)
        create_topics(first, 4, replication=1)
        send(first, batches(load.dense(4_000, accounts=1_000, start_ms=START_MS)))
        with worker(first, tmp_path / "1") as one:
            watched = Watched(one, ports[0])
            # One of each kind that comes and goes with a partition, by who writes it.
            gauges = (
                "hydrawatch_lag_records",
                "hydrawatch_stalled_seconds",
                "hydrawatch_snapshot_age_seconds",
                "hydrawatch_snapshot_timestamp_seconds",
            )
            for name in gauges:
                watched.until(name, lambda name=name: len(watched.series(name)) == STAGES)
            whole = {name: watched.series(name) for name in gauges}
            assert watched.total("hydrawatch_rebalances_total") == 1
            with worker(second, tmp_path / "2") as two:
                other = Watched(two, ports[1])
                other.until(
                    "no partition moves",
                    lambda: other.total("hydrawatch_partitions_assigned") >= 1,
                )
                other.until("not ready", lambda: not other.reasons())
                for name in gauges:
                    shown = watched.series(name), other.series(name)
                    assert not shown[0] & shown[1], name
                    assert shown[0] | shown[1] <= whole[name], name
                    assert shown[0] < whole[name], name
                assert watched.total("hydrawatch_rebalances_total") >= 2
