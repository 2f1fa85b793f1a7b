"""A worker at a secured Kafka: what it says with its rights and without, and that it keeps secrets."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.commands.alerts import values
from streams.topics.create import create_topics
from tests.integration.workers import (
    END_MS,
    HYDRAWATCH,
    Batch,
    batches,
    published,
    replayed,
    send,
    variables,
    wait_for,
    worker,
)
from tests.kafka.roles import CLIENT_SECRET, PARTITIONS, PASSWORDS, Stage, secured
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]
SECRETS = (*PASSWORDS.values(), CLIENT_SECRET)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with secured(tmp_path_factory.mktemp("secured")) as found:
        # The first act of the admin role: nobody else could.
        create_topics(found.settings("admin"), PARTITIONS, replication=1)
        yield found


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return batches(build(3, 1.0, 200, END_MS).chunks(4_000))


def test_a_worker_says_what_replay_says_by_scram_and_tls_with_just_its_rights(
    stage: Stage, world: list[Batch], tmp_path: Path
) -> None:
    mine = stage.settings("worker", "SCRAM-SHA-512")
    expected = replayed(mine, world)
    assert expected
    with worker(mine, tmp_path):
        send(stage.settings("gateway"), world)
        assert wait_for(stage.settings("enforcement"), len(expected)) == expected
    reader = stage.settings("analyst")
    assert len(list(values(reader, reader.alerts_topic, False, True))) == len(expected)
    # The same again by mutual TLS: what is on the topic is read, and none of it said twice.
    with worker(stage.settings("worker", "certificate"), tmp_path):
        assert wait_for(stage.settings("enforcement", "certificate"), len(expected)) == expected


def test_a_worker_without_rights_ends_and_says_what_it_lacks(stage: Stage, tmp_path: Path) -> None:
    mine = stage.settings("gateway")
    done = subprocess.run(
        [str(HYDRAWATCH), "worker"],
        env={**variables(mine), "HYDRAWATCH_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 1
    assert re.search("TopicAuthorizationFailed|deploy/kafka/acls.sh", done.stderr), done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)


def test_no_secret_is_in_what_a_worker_logs(stage: Stage, tmp_path: Path) -> None:
    """At the most talkative level, through connection, authentication and a stop."""
    for way in ("PLAIN", "token endpoint"):
        mine = stage.settings("worker", way)
        log = tmp_path / "log"
        process = subprocess.Popen(
            [str(HYDRAWATCH), "worker"],
            env={
                **variables(mine),
                "HYDRAWATCH_DATA_DIR": str(tmp_path),
                "HYDRAWATCH_METRICS_PORT": "0",
                "HYDRAWATCH_LOG_LEVEL": "debug",
            },
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 120
        while "worker starts" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(8)  # for it to connect and to be given partitions
        process.terminate()
        process.wait(60)
        said = log.read_text()
        assert "worker starts" in said
        assert "kafka" in said
        assert not any(secret in said for secret in SECRETS)
        assert "Bearer ey" not in said
        assert published(stage.settings("enforcement")) is not None
