"""Whose state is kept next."""

from __future__ import annotations

import pytest
from faust.types import TP

from streams.state import schedule
from streams.state.schedule import Schedule

A, B = TP("requests", 0), TP("requests", 1)


class Stage:
    """Something that moves on."""

    def __init__(self, next_offset: int = 0) -> None:
        self.next_offset = next_offset


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(schedule.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def stages(clock: list[float]) -> dict[TP, Stage]:
    return {A: Stage(), B: Stage()}


def kept_in_turn(clock: list[float], stages: dict[TP, Stage]) -> Schedule:
    """`A` was kept a second before `B`, and both have moved on since."""
    found = Schedule(30.0)
    for tp, stage in stages.items():
        found.kept(tp, 0)
        stage.next_offset = 5
        clock[0] += 1
    return found


def test_who_has_waited_longest_goes_first(clock: list[float], stages: dict[TP, Stage]) -> None:
    mine = kept_in_turn(clock, stages)
    assert mine.due(stages) is None
    clock[0] += 28
    assert mine.due(stages) == A
    mine.kept(A, 5)
    assert mine.due(stages) is None
    clock[0] += 1
    assert mine.due(stages) == B


def test_who_has_not_moved_on_has_no_turn(clock: list[float], stages: dict[TP, Stage]) -> None:
    mine = kept_in_turn(clock, stages)
    stages[A].next_offset = 0
    clock[0] += 100
    assert mine.due(stages) == B
    assert mine.waiting(stages) == [B]
    assert dict(mine.ages_s(stages)) == {A: 0.0, B: 101.0}


def test_who_could_not_be_kept_lets_the_others_go_first(
    clock: list[float], stages: dict[TP, Stage]
) -> None:
    mine = kept_in_turn(clock, stages)
    clock[0] += 60
    mine.put_off(A)
    assert mine.due(stages) == B
    mine.kept(B, 5)
    assert mine.due(stages) is None
    clock[0] += schedule.RETRY_S
    assert mine.due(stages) == A


def test_what_costs_much_is_done_less_often(clock: list[float], stages: dict[TP, Stage]) -> None:
    mine = kept_in_turn(clock, stages)
    mine.cost(A, 2.0)
    mine.cost(B, 1.0)
    clock[0] += 3 * schedule.SHARE - 3
    assert mine.due(stages) is None
    clock[0] += 1
    assert mine.due(stages) == A
    mine.release(B)  # and its cost with it
    del stages[B]
    mine.kept(A, 0)
    clock[0] += 2 * schedule.SHARE
    assert mine.due(stages) == A


def test_who_left_has_no_turn_and_no_age(clock: list[float], stages: dict[TP, Stage]) -> None:
    mine = kept_in_turn(clock, stages)
    mine.release(A)
    clock[0] += 100
    assert mine.waiting(stages) == [B]
    assert A not in dict(mine.ages_s(stages))
