"""Topics that are deleted while a worker runs: it names them, and goes on in new ones or ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings.detectors_toml import configured
from streams.state import inspect
from streams.topics.create import create_topics
from tests.brokers import delete_topic
from tests.integration.watched import Watched
from tests.integration.workers import END_MS, Batch, batches, replayed, send, wait_for, worker
from tests.kafka.cluster import KafkaCluster
from tests.kafka.troubled import fresh_settings, ready_worker
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 1.0, 300, END_MS).chunks(2_000))


@pytest.fixture(scope="module")
def single() -> Iterator[KafkaCluster]:
    with KafkaCluster.start() as cluster:
        yield cluster


def test_a_deleted_alerts_topic_is_named_and_alerts_wait_for_a_new_one(
    single: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    half = len(world) * 4 // 5
    expected, before = replayed(settings, world), replayed(settings, world[:half])
    assert 0 < len(before) < len(expected)
    with ready_worker(settings, tmp_path) as watched:
        send(settings, world[:half])
        assert wait_for(settings, len(before)) == before
        delete_topic(single.bootstrap, settings.alerts_topic)
        send(settings, world[half:])
        watched.says("topics", f"topic {settings.alerts_topic}: is missing")
        assert "hydrawatch topics create" in watched.reasons()["topics"]
        watched.comes_to("hydrawatch_topic_problems", 1)
        watched.until("nothing waits", lambda: "delivery" in watched.reasons())
        create_topics(settings, 4, replication=1)
        # What was on the topic has gone with it; all that came after is there, in order, once.
        after = expected[len(before) :]
        assert wait_for(settings, len(after)) == after
        watched.until("still not ready", lambda: not watched.reasons())


def test_a_deleted_state_topic_is_named_and_state_is_kept_in_a_new_one(
    single: KafkaCluster, world: list[Batch], tmp_path: Path
) -> None:
    settings = fresh_settings(single)
    expected = replayed(settings, world)
    half = len(world) // 2
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        send(settings, world[:half])
        watched.until("no state", lambda: watched.total("hydrawatch_snapshots_total") > 3)
        delete_topic(single.bootstrap, settings.state_topic)
        send(settings, world[half:])
        assert wait_for(settings, len(expected)) == expected
        watched.says("state", settings.state_topic)
        watched.says("topics", f"topic {settings.state_topic}: is missing")
        create_topics(settings, 4, replication=1)
        watched.until("still not ready", lambda: not watched.reasons())
        process.kill()
    with ready_worker(settings, tmp_path):
        assert wait_for(settings, len(expected)) == expected


def test_a_request_topic_that_was_made_anew_is_not_read_as_if_it_were_the_old_one(
    single: KafkaCluster, world: list[Batch], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = fresh_settings(single)
    half = len(world) // 2
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        send(settings, world[:half])
        watched.until("no state", lambda: watched.total("hydrawatch_snapshots_total") > 8)
        delete_topic(single.bootstrap, settings.requests_topic)
        watched.says("topics", f"topic {settings.requests_topic}: is missing")
        create_topics(settings, 4, replication=1)
        assert process.wait(180) == 1
    said = f"topic {settings.requests_topic} was deleted and made anew"
    assert said in capfd.readouterr().err
    # Nor by who is started on what was kept of the old one.
    send(settings, world[half : half + 1])
    with worker(settings, tmp_path) as process:
        assert process.wait(180) == 1
    assert "hydrawatch state reset" in capfd.readouterr().err


def test_nor_where_it_was_made_anew_and_outgrew_the_old_one_while_nobody_ran(
    single: KafkaCluster, world: list[Batch], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = fresh_settings(single)
    with worker(settings, tmp_path) as process:
        watched = Watched(process, settings.metrics_port)
        send(settings, world[: len(world) // 3])
        watched.until("no state", lambda: watched.total("hydrawatch_snapshots_total") > 8)
    delete_topic(single.bootstrap, settings.requests_topic)
    create_topics(settings, 4, replication=1)
    send(settings, world)
    with worker(settings, tmp_path) as process:
        assert process.wait(180) == 1
    said = f"topic {settings.requests_topic} was deleted and made anew"
    assert said in capfd.readouterr().err
    shown = asyncio.run(inspect.look(settings, configured(settings)))
    problems = {stage.stage: stage.problem for stage in shown}
    assert problems == {
        "accounts": f"topic {settings.requests_topic} was made anew since",
        "keys": "",
        "owner": "",
    }
