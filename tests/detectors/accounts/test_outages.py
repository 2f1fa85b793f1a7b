"""A hole in the input is found by event time alone, and nothing is learned from it or blamed on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.accounts.outages import InputFlow, kind_of
from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Config
from detectors.engine_config import EngineConfig
from detectors.exchange.hand_over import decode, encode
from detectors.networks.partition import NetworkPartition
from tests.detectors.state.test_checkpoint import Log
from tests.stage_stories import DAY, HOUR, MINUTE, START, config, feed, past_of, request

MONDAY = START // DAY * 1440
MONDAY += (-(MONDAY // 1440 + 3) % 7) * 1440
RULES = EngineConfig(outage_nats=50.0, outage_share=0.1, outage_hours=48)


def watched(flow: InputFlow, counts: Iterable[int], first: int = MONDAY) -> list[bool]:
    """Whether each hour was complete."""
    complete = []
    for tick, count in enumerate(counts, first):
        flow.close(tick, count)
        if (tick + 1) % 60 == 0:
            complete.append(flow.kept.complete)
    return complete


def steady(days: int, minutes: int = 2) -> list[int]:
    return [minutes] * 1440 * days


def test_a_silence_that_chance_would_not_leave_makes_its_hours_incomplete() -> None:
    flow = InputFlow(RULES)
    assert all(watched(flow, steady(2)))
    day = steady(1)
    day[10 * 60 + 5 : 12 * 60 + 40] = [0] * 155
    found = watched(flow, day, MONDAY + 2 * 1440)
    assert [hour for hour, whole in enumerate(found) if not whole] == [10, 11, 12]
    assert flow.tell() == 3
    assert flow.tell() == 0


def test_a_short_silence_and_a_quiet_partition_are_no_outage() -> None:
    flow = InputFlow(RULES)
    watched(flow, steady(2))
    day = steady(1)
    day[600:620] = [0] * 20  # 40 expected
    assert all(watched(flow, day, MONDAY + 2 * 1440))
    rare = InputFlow(RULES)
    assert all(watched(rare, ([1] + [0] * 59) * 72))


def test_a_trickle_is_an_outage_and_a_holiday_is_not() -> None:
    flow = InputFlow(RULES)
    watched(flow, steady(2))
    trickle = watched(flow, ([1] + [0] * 12) * 4 + [1] * 8, MONDAY + 2 * 1440)
    assert trickle == [True]  # 12 of 120 expected: just a tenth
    assert watched(flow, ([1] + [0] * 19) * 3, MONDAY + 2 * 1440 + 60) == [False]
    holiday = watched(flow, [2, 0, 0, 0] * 15, MONDAY + 2 * 1440 + 120)
    assert holiday == [True]


def test_nothing_is_said_of_hours_of_a_kind_never_seen() -> None:
    flow = InputFlow(RULES)
    assert all(watched(flow, [0] * 1440 * 3))


def test_habits_are_not_learned_from_a_hole_and_what_lasts_becomes_the_habit() -> None:
    flow = InputFlow(RULES)
    watched(flow, steady(5))
    before = list(flow.kept.cells)
    watched(flow, [0] * 60 * 48, MONDAY + 7 * 1440)
    assert flow.kept.cells == before
    after = watched(flow, [0] * 60 * 30, MONDAY + 9 * 1440)
    assert all(after)
    assert flow.kept.cells[kind_of(MONDAY)] == 0


def test_the_hour_after_a_hole_is_not_judged_either() -> None:
    flow = InputFlow(RULES)
    watched(flow, steady(2))
    judged = []
    for hour, count in enumerate((0, 9, 2, 2)):
        watched(flow, [count] * 60, MONDAY + 2 * 1440 + 60 * hour)
        judged.append(flow.judged)
    assert judged == [False, False, True, True]
    assert not flow.kept.day


@settings(max_examples=60)
@given(hs.lists(hs.tuples(hs.integers(1, 400), hs.integers(0, 3)), min_size=1, max_size=12))
def test_skipping_silent_ticks_is_closing_them_one_by_one(spans: list[tuple[int, int]]) -> None:
    one, other = InputFlow(RULES), InputFlow(RULES)
    for flow in (one, other):
        watched(flow, steady(2))
    tick = MONDAY + 2 * 1440 - 1
    for length, count in spans:
        if count:
            for at in range(length):
                one.close(tick + 1 + at, count)
                other.close(tick + 1 + at, count)
        else:
            one.skip(tick, tick + length)
            for at in range(length):
                other.close(tick + 1 + at, 0)
        tick += length
    assert one.kept == other.kept


def traffic(days: float, hole: tuple[int, int] | None = None) -> list[dict[str, Any]]:
    """Twelve accounts with two requests a minute in all; none in the `hole` (hours)."""
    events = []
    for n in range(int(days * 2880)):
        at = START + n * MINUTE // 2
        if hole is None or not hole[0] <= (at - START) // HOUR < hole[1]:
            events.append(request(n, at, f"a{n % 12}", payment_fp=f"k1:{n % 3}"))
    return events


def day_of(partition: AccountPartition, account: str) -> tuple[float, int]:
    past = past_of(partition, account)
    return float(past["mean"]), int(past["days"])


def run(events: list[dict[str, Any]], batch: int = 0) -> tuple[AccountPartition, list[ClosedTick]]:
    partition = AccountPartition(config(), 0)
    return partition, feed(partition, events, batch)


def test_an_accounts_baseline_does_not_move_for_a_day_with_a_hole() -> None:
    whole, _ = run(traffic(5.2))
    holed, told = run(traffic(5.2, hole=(79, 91)))
    mean, days = day_of(whole, "a1")
    kept_mean, kept_days = day_of(holed, "a1")
    assert kept_days == days - 1
    assert kept_mean == pytest.approx(mean, abs=1e-6)
    assert holed.flow.kept.hours == 12
    assert sum(h.holes for tick in told for h in tick.hand_overs.values()) == 12
    cohorts = [tick for tick in told if tick.findings is not None and tick.findings.cohorts]
    assert all(_levels(tick) == (12 if (tick.tick + 1) % 1440 == 0 else 0) for tick in cohorts)
    assert sum(_levels(tick) > 0 for tick in cohorts) == days - 1


def _levels(tick: ClosedTick) -> int:
    assert tick.findings is not None
    return sum(c.level_count for c in tick.findings.cohorts)


def found_hours(events: list[dict[str, Any]], rules: Config) -> set[int]:
    """At the ends of which hours, from the start, an account was found odd."""
    told = feed(AccountPartition(rules, 0), events)
    return {
        (finding.evidence.window_end - START) // HOUR
        for tick in told
        if tick.findings is not None
        for finding in tick.findings.accounts
    }


def test_a_rush_after_a_hole_is_no_finding_and_one_later_is() -> None:
    events = traffic(8.0, hole=(151, 163))
    back = [request(10**6 + n, START + 163 * HOUR + n * 400, f"a{n % 3}") for n in range(8_000)]
    events = sorted(events + back, key=lambda e: e["event_time"])
    blind = replace(config(), engine=replace(config().engine, outage_nats=10_000.0))
    assert 164 in found_hours(events, blind)
    assert not found_hours(events, config()) & set(range(152, 165))
    assert 165 in found_hours(events, config())  # what stays odd is said; its cohort judges it


def test_batches_and_a_restart_do_not_change_what_a_hole_does() -> None:
    events = traffic(4.2, hole=(55, 67))
    one, told = run(events)
    other, again = run(events, batch=97)
    assert one.flow.kept == other.flow.kept
    assert [t.tick for t in told] == [t.tick for t in again]
    middle = len(events) * 3 // 5
    first, _ = run(events[:middle])
    log = Log()
    log.keep(first.checkpoint())
    fresh = AccountPartition(config(), 0)
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    feed(fresh, events[middle:])
    assert fresh.flow.kept == one.flow.kept
    assert (fresh.state.accounts == one.state.accounts).all()


def test_a_keys_own_past_is_shorter_by_the_hours_that_were_missed() -> None:
    _, told = run(traffic(4.2, hole=(55, 67)))
    keys = NetworkPartition(config(), 0)
    for tick in told:
        for record in encode(tick.hand_overs[0]) if 0 in tick.hand_overs else ():
            keys.receive(decode(record))
    keys.advance()
    stop = START + 4 * DAY
    assert keys._watched_days(START, stop) == pytest.approx(4 - 0.5)
    assert keys._watched_days(START, START + 2 * DAY) == 2
    assert keys._watched_days(stop, START) == 0
    log = Log()
    log.keep(keys.checkpoint())
    fresh = NetworkPartition(config(), 0)
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    assert fresh._watched_days(START, stop) == keys._watched_days(START, stop)
    assert np.isfinite(fresh._watched_days(START, stop))
