"""Input that stands still is seen from outside, and only input that stands still."""

from __future__ import annotations

import orjson
import pytest
from faust.types import TP

from streams.observe.health import Health, Heartbeat, Readiness
from streams.observe.metrics import Metrics
from streams.observe.watchdog import DEAD_AFTER, Watchdog

ONE, OTHER = TP("hydrawatch.requests.v1", 1), TP("hydrawatch.requests.v1", 2)
STALL_S = 60.0


class Watched:
    """A watchdog whose clock the test turns, and what it shows."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.dog = Watchdog(self.metrics, self.readiness, STALL_S, clock=lambda: self.now)

    def after(
        self,
        seconds: float,
        tp: TP,
        place: int,
        *,
        unread: bool,
        held: bool = False,
        trouble: bool = False,
    ) -> None:
        self.now += seconds
        self.dog.look(tp, place, unread=unread, held=held, trouble=trouble)

    def shown(self, tp: TP) -> float | None:
        labels = {"topic": tp.topic, "partition": str(tp.partition)}
        return self.metrics.registry.get_sample_value("hydrawatch_stalled_seconds", labels)

    def stalls(self) -> float:
        labels = {"topic": ONE.topic}
        return self.metrics.registry.get_sample_value("hydrawatch_stalls_total", labels) or 0.0


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_unread_input_that_does_not_move_is_shown_then_not_ready_then_not_alive(
    watched: Watched,
) -> None:
    watched.after(0, ONE, 500, unread=True)
    watched.after(STALL_S, ONE, 500, unread=True)
    assert watched.shown(ONE) == STALL_S
    assert watched.readiness.reasons() == {}
    watched.after(1, ONE, 500, unread=True)
    assert watched.readiness.reasons() == {
        "progress": "hydrawatch.requests.v1 [1] has stood still at 500 for 61 s"
    }
    assert watched.dog.dead() == {}
    watched.after(DEAD_AFTER * STALL_S, ONE, 500, unread=True)
    assert list(watched.dog.dead()) == ["hydrawatch.requests.v1[1]"]
    assert watched.stalls() == 1


def test_it_is_over_when_the_input_moves_and_the_next_time_counts_again(watched: Watched) -> None:
    for place in (500, 600):
        watched.after(0, ONE, place, unread=True)
        watched.after(STALL_S + 1, ONE, place, unread=True)
        assert watched.readiness.reasons()
        watched.after(1, ONE, place + 1, unread=True)
        assert watched.readiness.reasons() == {}
        assert watched.shown(ONE) == 0
    assert watched.stalls() == 2


@pytest.mark.parametrize(
    ("unread", "held"), [(False, False), (True, True)], ids=["all is read", "held back"]
)
def test_a_partition_that_has_nothing_to_do_does_not_stall(
    watched: Watched, unread: bool, held: bool
) -> None:
    for _ in range(100):
        watched.after(STALL_S, ONE, 500, unread=unread, held=held)
    assert watched.shown(ONE) == 0
    assert watched.stalls() == 0
    # What comes then has its full time.
    watched.after(STALL_S, ONE, 500, unread=True)
    watched.after(STALL_S, ONE, 500, unread=True)
    assert watched.shown(ONE) == STALL_S * 2
    assert watched.stalls() == 1


def test_an_agent_that_hangs_in_its_last_chunk_is_seen_though_all_is_read(watched: Watched) -> None:
    watched.after(0, ONE, 500, unread=False)
    with watched.dog.at_work(ONE):
        watched.after(1, ONE, 600, unread=False)
        watched.after(STALL_S + 1, ONE, 600, unread=False)
        assert watched.readiness.reasons()
    watched.after(1, ONE, 600, unread=False)
    assert watched.readiness.reasons() == {}


def test_a_chunk_that_is_cancelled_at_a_rebalance_is_no_work_left_undone(watched: Watched) -> None:
    with pytest.raises(InterruptedError), watched.dog.at_work(ONE):
        raise InterruptedError
    watched.after(0, ONE, 600, unread=False)
    watched.after(STALL_S + 1, ONE, 600, unread=False)
    assert watched.readiness.reasons() == {}


def test_a_partition_that_moved_away_is_no_reason_any_more_and_others_stay(
    watched: Watched,
) -> None:
    for tp in (ONE, OTHER):
        watched.after(0, tp, 500, unread=True)
    for tp in (ONE, OTHER):
        watched.after(STALL_S + 1, tp, 500, unread=True)
    watched.dog.keep_to({OTHER})
    assert watched.shown(ONE) is None
    assert "[2]" in watched.readiness.reasons()["progress"]
    watched.dog.keep_to(set())
    assert watched.readiness.reasons() == {}


def test_trouble_at_the_brokers_makes_a_worker_not_ready_but_asks_for_no_restart(
    watched: Watched,
) -> None:
    watched.after(0, ONE, 500, unread=True)
    for _ in range(3 * DEAD_AFTER):
        watched.after(STALL_S, ONE, 500, unread=True, trouble=True)
    assert watched.readiness.reasons()
    assert watched.dog.dead() == {}
    # They serve again, and it still does not move: now it is the worker.
    watched.after(DEAD_AFTER * STALL_S, ONE, 500, unread=True)
    assert watched.dog.dead() == {}
    watched.after(1, ONE, 500, unread=True)
    assert list(watched.dog.dead()) == ["hydrawatch.requests.v1[1]"]


def test_livez_says_what_only_a_restart_can_mend(watched: Watched) -> None:
    health = Health(watched.metrics.registry, Readiness(), Heartbeat(), dead=watched.dog.dead)
    watched.after(0, ONE, 500, unread=True)
    assert health.answer("/livez")[0] == 200
    watched.after(DEAD_AFTER * STALL_S + 1, ONE, 500, unread=True)
    status, _, body = health.answer("/livez")
    assert status == 503
    assert "has stood still at 500" in orjson.loads(body)["reasons"]["hydrawatch.requests.v1[1]"]
