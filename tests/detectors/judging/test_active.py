"""Places of the entities that a detector remembers: had by being busy, and dear to take from others."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from detectors.errors import ContractError
from detectors.judging.active import HALF_LIFE_TICKS, SHARE, TURNOVER, ActiveSet
from tests.small_detectors import Busy

ACTIVE = 16


class Few(Busy):
    card = msgspec.structs.replace(Busy.card, active=ACTIVE)


def admitted(active: ActiveSet, weights: dict[int, float], tick: int = 0) -> list[int]:
    """Those heard, in their order."""
    entities = np.array(list(weights), np.uint64)
    heard = active.admit(entities, np.array(list(weights.values()), np.float64), tick)
    assert all(int(entities[at]) == place.entity for at, place in heard)
    return [place.entity for _, place in heard]


def full(weight: float = 100.0) -> ActiveSet:
    """A set whose places are taken by entities from 1 on, equally busy for long."""
    active = ActiveSet(Few())
    for _ in range(60):
        admitted(active, dict.fromkeys(range(1, ACTIVE + 1), weight))
    return active


def holders(active: ActiveSet) -> set[int]:
    return {int(e) for e in active.slots["entity"] if e}


def test_the_busiest_have_the_places() -> None:
    active = ActiveSet(Few())
    heard = admitted(active, {entity: float(entity) for entity in range(1, 41)})
    assert heard == list(range(40 - ACTIVE + 1, 41))
    assert len(active) == ACTIVE
    assert active.refused == 40 - ACTIVE


def test_a_flood_of_quiet_newcomers_displaces_nobody() -> None:
    active = full()
    for tick in range(200):
        flood = {10_000 * (tick + 1) + n: 150.0 for n in range(300)}
        assert admitted(active, flood | {1: 100.0}, tick) == [1]
    assert holders(active) == set(range(1, ACTIVE + 1))
    assert active.displaced == 0


def test_displacing_costs_four_times_what_the_lightest_weighs() -> None:
    assert admitted(full(), {99: 100.0 / SHARE - 1.0}) == []
    active = full()
    assert admitted(active, {99: 100.0 / SHARE + 1.0}) == [99]
    assert holders(active) == {99, *range(2, ACTIVE + 1)}
    assert active.displaced == 1


def test_a_closing_replaces_few_places_however_loud_the_newcomers() -> None:
    active = full()
    loud = {1_000 + n: 1e9 for n in range(100)}
    assert len(admitted(active, loud)) == ACTIVE // TURNOVER
    assert len(holders(active) & set(range(1, ACTIVE + 1))) == ACTIVE - ACTIVE // TURNOVER


def test_who_is_silent_weighs_less_by_the_day_and_who_is_busy_keeps_the_place() -> None:
    active = full()
    admitted(active, dict.fromkeys(range(2, ACTIVE + 1), 100.0), 2 * HALF_LIFE_TICKS)
    # Entity 1 was silent for two half-lives: 25 left; the others' mean is weighed anew.
    assert admitted(active, {99: 99.0}, 2 * HALF_LIFE_TICKS) == []
    assert admitted(active, {99: 101.0}, 2 * HALF_LIFE_TICKS) == [99]
    assert 1 not in holders(active)


def hours_out(active: ActiveSet, since: int) -> int:
    """For how many hours any of those that were there before, busy as ever, is without a place."""
    everybody = dict.fromkeys(range(1, ACTIVE + 1), 100.0)
    return next(
        h for h in range(10_000) if len(admitted(active, everybody, since + h * 60)) == ACTIVE
    )


def test_bursts_that_are_twice_as_busy_push_nobody_out() -> None:
    active = full()
    for hour in range(8):
        burst = {1_000 + 2 * hour + n: 201.0 for n in range(2)}
        admitted(active, dict.fromkeys(range(1, ACTIVE + 1), 100.0) | burst, hour * 60)
    assert holders(active) == set(range(1, ACTIVE + 1))


def test_who_is_pushed_out_by_bursts_is_back_when_they_have_been_silent_for_days() -> None:
    active = full()
    for hour in range(8):
        admitted(active, {1_000 + 2 * hour + n: 500.0 for n in range(2)}, hour * 60)
    assert not holders(active) & set(range(1, ACTIVE + 1))
    assert hours_out(active, 8 * 60) <= 5 * 24


def test_one_burst_before_all_others_does_not_keep_a_place_for_a_month() -> None:
    active = ActiveSet(Few())
    admitted(active, dict.fromkeys(range(1_000, 1_000 + ACTIVE), 100_000.0))
    assert hours_out(active, 0) <= 21 * 24


def test_who_lost_the_place_comes_back_as_if_never_seen() -> None:
    active = full()
    (place,) = (p for _, p in active.admit(np.array([1], np.uint64), np.array([1.0]), 0))
    active.memory(place)[1] = 7.0
    active.keep(place)
    admitted(active, {99: 1e6}, 0)
    assert 1 not in holders(active)
    ((_, back),) = active.admit(np.array([1], np.uint64), np.array([1e7]), 1)
    assert active.memory(back) == [0.0, 0.0]


def test_a_memory_is_rolled_back_to_what_was_written_down() -> None:
    active = ActiveSet(Few())
    ((_, place),) = active.admit(np.array([5], np.uint64), np.array([1.0]), 0)
    active.memory(place)[0] = 1.0
    active.roll_back(place)
    assert active.memory(place) == [0.0, 0.0]
    active.memory(place)[0] = 2.0
    active.keep(place)
    active.memory(place)[0] = 3.0
    active.roll_back(place)
    assert active.memory(place) == [2.0, 0.0]


def test_a_memory_larger_than_its_card_says_is_not_written_down() -> None:
    active = ActiveSet(Few())
    ((_, place),) = active.admit(np.array([5], np.uint64), np.array([1.0]), 0)
    active.memory(place).extend([1.0] * 50)
    with pytest.raises(ContractError, match=r"bytes; the card allows 64"):
        active.keep(place)
    assert not active.tables()["memory:busy:v1.bytes"].view(np.uint8).any()


def test_a_shorter_memory_leaves_nothing_of_the_longer_behind() -> None:
    active = ActiveSet(Few())
    ((_, place),) = active.admit(np.array([5], np.uint64), np.array([1.0]), 0)
    active.memory(place)[:] = [1.0, 2.0, 3.0]
    active.keep(place)
    active.memory(place)[:] = [1.0]
    active.keep(place)
    written = active.tables()["memory:busy:v1.bytes"].view(np.uint8)
    assert written.any()
    assert not written[len(msgspec.msgpack.encode([1.0])) :].any()


closings = hs.lists(
    hs.dictionaries(hs.integers(1, 60), hs.integers(1, 1_000), min_size=1, max_size=30),
    min_size=1,
    max_size=8,
)


@given(closings, hs.randoms(use_true_random=False))
def test_the_order_of_entities_in_a_closing_does_not_matter(
    closings: list[dict[int, int]], random: Any
) -> None:
    one, other = ActiveSet(Few()), ActiveSet(Few())
    for tick, weights in enumerate(closings):
        shuffled = list(weights.items())
        random.shuffle(shuffled)
        heard = admitted(one, dict(weights), tick * 1440)  # type: ignore[arg-type]
        assert heard == admitted(other, dict(shuffled), tick * 1440)  # type: ignore[arg-type]
        assert heard == sorted(heard)
        assert (one.slots == other.slots).all()
        assert len(holders(one)) == len(one) <= ACTIVE
