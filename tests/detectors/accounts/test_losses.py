"""Events that were deleted unread: the hours around them are incomplete, and nothing else is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.accounts.outages import InputFlow
from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.exchange.loss import Loss
from tests.detectors.accounts.test_outages import (
    MONDAY,
    RULES,
    day_of,
    found_hours,
    run,
    steady,
    traffic,
    watched,
)
from tests.detectors.state.test_checkpoint import Log
from tests.stage_stories import HOUR, MINUTE, START, config, feed, request

FIRST = START // MINUTE  # tick


def parts(
    days: float, hole: tuple[float, float]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Traffic before and after a hole (hours)."""
    events = traffic(days)
    before = [e for e in events if e["event_time"] < START + hole[0] * HOUR]
    return before, [e for e in events if e["event_time"] >= START + hole[1] * HOUR]


def with_loss(
    days: float, hole: tuple[float, float], batch: int = 0
) -> tuple[AccountPartition, list[ClosedTick]]:
    before, after = parts(days, hole)
    partition = AccountPartition(config(), 0)
    told = feed(partition, before, batch)
    partition.lose(100, 250)
    return partition, told + feed(partition, after, batch)


def test_hours_around_a_loss_are_incomplete_though_their_silence_is_nothing_by_habit() -> None:
    before, after = parts(4.2, (55.1, 55.4))  # 18 minutes: chance may leave that
    silent, _ = run(before + after)
    assert silent.flow.kept.hours == 0
    lost, told = with_loss(4.2, (55.1, 55.4))
    assert lost.loss == Loss(100, 250, FIRST + 54 * 60 + 54, FIRST + 55 * 60 + 31)
    # From 54:55, the first minute that was open, to 55:31, up to where the next events moved time.
    assert lost.flow.kept.hours == 2
    assert sum(h.holes for tick in told for h in tick.hand_overs.values()) == 2


def test_a_loss_teaches_no_baseline_and_costs_none_that_was_learned() -> None:
    whole, _ = run(traffic(5.2))
    lost, _ = with_loss(5.2, (79, 91))
    mean, days = day_of(whole, "a1")
    kept_mean, kept_days = day_of(lost, "a1")
    assert (kept_mean, kept_days) == (pytest.approx(mean, abs=1e-6), days - 1)
    assert lost.flow.kept.hours == 14  # 78 to 91


def test_nobody_is_judged_by_the_hours_of_a_loss_nor_by_the_one_after() -> None:
    before, after = parts(8.0, (151.2, 151.4))
    rush = [
        request(10**6 + n, START + 151 * HOUR + 30 * MINUTE + n * 200, f"a{n % 3}")
        for n in range(8_000)
    ]
    after = sorted(after + rush, key=lambda e: e["event_time"])
    assert 152 in found_hours(before + after, config())
    partition = AccountPartition(config(), 0)
    told = feed(partition, before)
    partition.lose(1, 2)
    told += feed(partition, after)
    judged = {
        (finding.evidence.window_end - START) // HOUR
        for tick in told
        if tick.findings is not None
        for finding in tick.findings.accounts
    }
    assert not judged & {151, 152, 153}


def test_batches_and_restarts_do_not_change_what_a_loss_does() -> None:
    one, told = with_loss(4.2, (55, 67))
    other, again = with_loss(4.2, (55, 67), batch=97)
    assert one.flow.kept == other.flow.kept
    assert [t.tick for t in told] == [t.tick for t in again]
    before, after = parts(4.2, (55, 67))
    first = AccountPartition(config(), 0)
    feed(first, before)
    first.lose(100, 250)
    log = Log()
    log.keep(first.checkpoint())
    fresh = AccountPartition(config(), 0)
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    assert fresh.loss is not None
    assert fresh.loss.lasts
    feed(fresh, after)
    assert fresh.flow.kept == one.flow.kept
    assert (fresh.state.accounts == one.state.accounts).all()


def test_an_idle_mark_says_nothing_of_where_a_loss_ends() -> None:
    before, after = parts(4.2, (55, 67))
    partition = AccountPartition(config(), 0)
    feed(partition, before)
    partition.lose(100, 250)
    partition.raise_mark(START + 60 * HOUR)
    assert partition.loss is not None
    assert partition.loss.lasts
    feed(partition, after)
    assert partition.loss == Loss(100, 250, FIRST + 54 * 60 + 48, FIRST + 67 * 60 + 7)
    assert partition.flow.kept.hours == 14  # 54 to 67


def test_two_losses_in_one_stretch_are_one() -> None:
    before, after = parts(4.2, (55, 67))
    partition = AccountPartition(config(), 0)
    feed(partition, before)
    partition.lose(100, 250)
    partition.lose(250, 300)
    feed(partition, after)
    assert partition.loss == Loss(100, 300, FIRST + 54 * 60 + 48, FIRST + 67 * 60 + 7)


def test_a_loss_longer_than_any_outage_forgets_no_habit() -> None:
    flow = InputFlow(RULES)
    watched(flow, steady(5))
    cells, closed = list(flow.kept.cells), MONDAY + 5 * 1440 - 1
    flow.lose(1, 2, closed)
    flow.regain(closed + 10 * 1440)
    flow.skip(closed, closed + 10 * 1440)
    assert flow.kept.cells == cells
    assert flow.kept.hours == flow.tell() == 240
    assert not flow.judged
    watched(flow, steady(1), closed + 10 * 1440 + 1)
    assert flow.judged
    assert flow.kept.day


def test_what_is_lost_before_anything_was_read_is_nobodys_hour() -> None:
    partition = AccountPartition(config(), 0)
    partition.lose(100, 250)
    assert partition.loss is None
    feed(partition, traffic(1.2))
    assert partition.flow.kept.hours == 0
