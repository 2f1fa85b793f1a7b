"""What is kept at a secured Kafka: with the rights that are written down old state goes, without not.

One cluster and one world: each test goes on where the one before it has stopped.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streams.kafka.embedded_broker import free_port
from streams.kafka.reader import read_all
from streams.settings.settings import Settings
from streams.state import records as state_records
from streams.topics.create import create_topics
from tests.integration.watched import Watched
from tests.integration.workers import (
    END_MS,
    Batch,
    batches,
    hydrawatch,
    published,
    replayed,
    send,
    wait_for,
    worker,
)
from tests.kafka.roles import PARTITIONS, Stage, grant, revoke, secured
from tests.kafka.security import Secured
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]

PIECE = 1_500
BEGUN_ANEW, IN_SHADOW = 5, 8  # pieces of the world that are sent before
OWNER = 2 * PARTITIONS  # its place in the state topic: after accounts and keys


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with secured(tmp_path_factory.mktemp("kept")) as found:
        create_topics(found.settings("admin"), PARTITIONS, replication=1)
        yield found


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    """In pieces of equal size, each of which is kept before the next one comes."""
    pieces = batches(build(3, 2.0, 300, END_MS).chunks(PIECE))
    return [piece for piece in pieces if len(piece.keys) == PIECE]


def changed(settings: Settings, **values: Any) -> Settings:
    """The settings with others beside, as an environment would give them."""
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    return Settings(**{**given, **values})


def records_left(settings: Settings, place: int) -> list[tuple[int, int]]:
    """Offset and entry (0: none) of what the state topic still holds of one stage's log, in order."""

    async def read() -> list[tuple[int, int]]:
        found = []
        async for record in read_all(settings, settings.state_topic, [place]):
            one = state_records.decode(record.value, settings.state_topic)
            entry = 0 if isinstance(one, state_records.Fence) else one.number
            found.append((record.offset, entry))
        return found

    return asyncio.run(read())


def entries_left(settings: Settings, place: int) -> list[int]:
    """The entries among them."""
    return sorted({entry for _, entry in records_left(settings, place) if entry})


def send_and_keep(stage: Stage, mine: Settings, watched: Watched, pieces: list[Batch]) -> None:
    """Send the pieces one by one; after each the owner of campaigns has kept its state again."""
    for piece in pieces:
        before = entries_left(mine, OWNER)
        send(stage.settings("gateway"), [piece])
        watched.until("nothing is kept", lambda was=before: entries_left(mine, OWNER) != was)


def reset(settings: Settings) -> subprocess.CompletedProcess[str]:
    return hydrawatch(settings, "state", "reset", "--yes", "--json")


def test_with_its_rights_a_worker_deletes_old_state_and_can_begin_anew(
    stage: Stage, world: list[Batch], tmp_path: Path
) -> None:
    mine = changed(stage.settings("worker"), metrics_port=free_port())
    sent = world[:BEGUN_ANEW]
    with worker(mine, tmp_path) as process:
        watched = Watched(process, mine.metrics_port)
        send_and_keep(stage, mine, watched, sent)
        watched.until("all is left", lambda: records_left(mine, OWNER)[0][0] > 0)
        expected = replayed(mine, sent)
        assert wait_for(stage.settings("enforcement"), len(expected)) == expected
        watched.until("it says no", lambda: not watched.total("hydrawatch_state_not_deleted"))
    done = reset(mine)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"topic": mine.state_topic, "how": "records deleted"}
    assert [entries_left(mine, place) for place in (0, PARTITIONS, OWNER)] == [[], [], []]


def test_without_the_right_to_delete_it_says_so_and_goes_on(
    stage: Stage, world: list[Batch], tmp_path: Path
) -> None:
    mine = changed(stage.settings("worker"), metrics_port=free_port())
    revoke(stage, "worker", "Delete", mine.state_topic)
    with worker(mine, tmp_path) as process:  # it reads all again, as its state was forgotten
        watched = Watched(process, mine.metrics_port)
        send_and_keep(stage, mine, watched, world[BEGUN_ANEW:IN_SHADOW])
        watched.until("no word", lambda: watched.total("hydrawatch_state_not_deleted") == 1)
        assert entries_left(mine, OWNER)[0] == 1
        expected = replayed(mine, world[:IN_SHADOW])
        assert expected
        assert wait_for(stage.settings("enforcement"), len(expected)) == expected
    refused = reset(mine)
    assert refused.returncode == 1
    assert "deploy/kafka/acls.sh" in refused.stderr
    assert entries_left(mine, OWNER)


def test_a_shadow_worker_has_what_it_needs_once_the_rights_are_given_for_its_mode(
    stage: Stage, world: list[Batch], tmp_path: Path
) -> None:
    mine = changed(stage.settings("worker"), metrics_port=free_port(), mode="shadow")
    create_topics(changed(stage.settings("admin"), mode="shadow"), PARTITIONS, replication=1)
    with worker(mine, tmp_path) as process:
        assert process.wait(180) == 1  # the live worker's rights are not enough
    live = published(stage.settings("enforcement"))
    assert isinstance(stage.cluster.security, Secured)
    grant(stage.cluster, stage.cluster.security, stage.folder, mode="shadow")
    with worker(mine, tmp_path) as process:
        watched = Watched(process, mine.metrics_port)
        send_and_keep(stage, mine, watched, world[IN_SHADOW:])
        expected = replayed(mine, world)
        assert wait_for(mine, len(expected)) == expected
        watched.until("all is left", lambda: records_left(mine, OWNER)[0][0] > 0)
        watched.until("it says no", lambda: not watched.total("hydrawatch_state_not_deleted"))
    assert published(stage.settings("enforcement")) == live
