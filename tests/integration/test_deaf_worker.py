"""A worker whose clients are served no longer says so, has their connections made anew, or ends."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.kafka.embedded_broker import EmbeddedBroker, free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from streams.worker.stopping import STOP_S
from tests.doors import FETCH, NUMBERS, PRODUCE, Door
from tests.integration.watched import Watched
from tests.integration.workers import Batch, replayed, send, wait_for, worker

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(500)]

DEAF_S = 4.0
FAUST, SINK, STATE = "faust", "hydrawatch-worker", "hydrawatch-state"  # how client ids begin
GRACE_S = STOP_S + 10  # a bound, with the time that a busy machine takes to end a process


@contextmanager
def behind_a_door() -> Iterator[tuple[EmbeddedBroker, Door, Settings]]:
    """A broker that clients reach through a door alone, and settings with topics for it."""
    with Door() as door, EmbeddedBroker(advertised=door.address) as broker:
        door.target = int(broker.address.rpartition(":")[2])
        settings = Settings(
            broker=door.address,
            partitions=2,
            metrics_port=free_port(),
            stall_s=DEAF_S / 2,  # state that is not taken is given up earlier, and tried again
            deaf_s=DEAF_S,
        )
        create_topics(settings, 2, replication=1)
        yield broker, door, settings


@contextmanager
def ready(settings: Settings, folder: Path) -> Iterator[Watched]:
    with worker(settings, folder) as process:
        watched = Watched(process, settings.metrics_port)
        watched.until("not ready", lambda: not watched.reasons())
        yield watched


def lose_next(door: Door, key: int, client: str) -> None:
    """Have one request of a client be lost: it waits 40 s for the answer, and asks nothing else."""
    door.muted = 0
    door.mute = lambda asked, who: asked == key and who.startswith(client) and not door.muted


@pytest.mark.parametrize(
    ("key", "client", "renewed"),
    [(FETCH, FAUST, "reader"), (PRODUCE, SINK, "writer"), (PRODUCE, STATE, "state")],
)
def test_a_client_that_waits_for_a_lost_answer_is_given_new_connections_and_goes_on(
    world: list[Batch], tmp_path: Path, key: int, client: str, renewed: str
) -> None:
    half = len(world) // 2
    with behind_a_door() as (_, door, settings):
        expected = replayed(settings, world)
        with ready(settings, tmp_path) as watched:
            send(settings, world[:half])
            watched.until("none read", lambda: watched.total("hydrawatch_events_total") > 0)
            lose_next(door, key, client)
            send(settings, world[half:])
            watched.comes_to("hydrawatch_connections_renewed_total", 1, client=renewed)
            assert wait_for(settings, len(expected)) == expected
            watched.until("still not ready", lambda: not watched.reasons())
            assert watched.total("hydrawatch_connections_renewed_total") == 1
            assert watched.total("hydrawatch_deaf_seconds") < DEAF_S


def test_a_worker_that_stays_deaf_says_so_and_ends(world: list[Batch], tmp_path: Path) -> None:
    with behind_a_door() as (_, door, settings):
        with ready(settings, tmp_path) as watched:
            door.mute = lambda asked, who: asked == FETCH and who.startswith(FAUST)
            watched.until("no fetch is lost", lambda: door.muted)
            send(settings, world)
            watched.says("deaf-reader", "nothing comes of hydrawatch")
            watched.until("not moving", lambda: watched.total("hydrawatch_lag_records") > 0)
            assert watched.process.wait(3 * DEAF_S + GRACE_S) == 1
        # Whoever comes next goes on as if nothing had been.
        door.mute = lambda _asked, _who: False
        expected = replayed(settings, world)
        with ready(settings, tmp_path):
            assert wait_for(settings, len(expected)) == expected


def test_a_stop_while_it_starts_ends_it_though_the_broker_hangs(tmp_path: Path) -> None:
    with behind_a_door() as (_, door, settings):
        door.mute = lambda asked, who: asked == NUMBERS and who.startswith(SINK)
        with worker(settings, tmp_path) as process:
            watched = Watched(process, settings.metrics_port)
            watched.until("no number is asked for", lambda: door.muted and watched.reasons())
            process.send_signal(signal.SIGTERM)
            assert process.wait(GRACE_S) == 0


@pytest.mark.parametrize("how", ["gone", "deaf", "silent"])
def test_a_stop_ends_whatever_the_broker_does(world: list[Batch], tmp_path: Path, how: str) -> None:
    with behind_a_door() as (broker, door, settings), ready(settings, tmp_path) as watched:
        send(settings, world[: len(world) // 2])
        watched.until("none read", lambda: watched.total("hydrawatch_events_total") > 0)
        if how == "gone":
            broker.stop()
        elif how == "deaf":
            door.mute = lambda asked, who: asked == FETCH and who.startswith(FAUST)
        else:
            door.mute = lambda _asked, _who: True
        watched.process.send_signal(signal.SIGTERM)
        assert watched.process.wait(GRACE_S) == (0 if how == "deaf" else 1)
