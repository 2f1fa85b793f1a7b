"""Event time is the same however rows are cut: into batches, into partitions, or by a restart."""

from __future__ import annotations

import random

import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.accounts.checkpoint import link_ticks
from detectors.accounts.partition import AccountPartition
from detectors.config import Loaded
from detectors.decode.rejects import FROM_THE_FUTURE
from detectors.engine import Engine
from detectors.state.checkpoint import Checkpoint
from tests.detectors.accounts.traffic import WEEK, Events, aside, late, taken, traffic
from tests.stage_stories import HOUR, KEY, MINUTE, START, config, decoded, feed, request, said


def wrong_among(count: int = 900) -> Events:
    """Traffic with rows of all kinds of wrong clocks in it, and stragglers."""
    lot = random.Random(3)
    events = traffic(count, 30, 4_000)
    for event in events:
        if lot.random() < 0.15:
            event["event_time"] += lot.choice([2, 6, 59, 3_000, 9_000, 10**7, -3, -20]) * MINUTE
    return events


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_what_time_does_is_the_same_in_batches_of_any_size(batch: int) -> None:
    whole, parts = AccountPartition(config(), 0), AccountPartition(config(), 0)
    told = said(feed(whole, wrong_among())), said(feed(parts, wrong_among(), batch))
    assert told[0] == told[1]
    assert np.array_equal(whole.state.scalars, parts.state.scalars)
    assert aside(whole) == aside(parts) > 0


@pytest.mark.parametrize("batch", [1, 7])
def test_in_several_partitions_too(batch: int) -> None:
    engines = [Engine(_loaded(3), KEY) for _ in range(2)]
    for engine, size in zip(engines, (10_000, batch), strict=True):
        events = wrong_among()
        for first in range(0, len(events), size):
            engine.feed(decoded(events[first : first + size]))
    one, other = ([a.state.scalars for a in engine.accounts] for engine in engines)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_one_row_moves_no_other_partition_either() -> None:
    events = traffic(600, 40)
    wrong = request(-1, events[300]["event_time"] + 2 * HOUR, "a-3")
    marks = []
    for rows in (events, [*events[:300], wrong, *events[300:]]):
        engine = Engine(_loaded(4), KEY)
        engine.feed(decoded(rows))
        assert sum(late(a) for a in engine.accounts) == 0
        marks.append([a.watermark for a in engine.accounts])
    assert marks[0] == marks[1]


def test_what_is_set_aside_is_told_with_its_place_in_the_batch() -> None:
    engine = Engine(_loaded(1), KEY)
    events = traffic(600)
    wrong = request(-1, START + WEEK, "a-3")
    batch = decoded([*events[:300], wrong, *events[300:]])
    engine.feed(batch)
    assert [(one.row, one.reason) for one in batch.rejected] == [(300, FROM_THE_FUTURE)]


def test_a_restart_between_any_two_rows_changes_nothing() -> None:
    events = wrong_among(300)
    whole = taken(events)
    parts = AccountPartition(config(), 0)
    for n, event in enumerate(events):
        feed(parts, [event])
        if n % 9 == 0 or n < 20:
            parts = _restored(parts.checkpoint())
    assert np.array_equal(whole.state.scalars, parts.state.scalars)
    assert said(whole.drain()) == said(parts.drain())


def test_state_of_before_is_brought_up_and_goes_on() -> None:
    events = traffic(600)
    before = taken(events)
    state = before.state
    rows = {int(m["tick"]): int(m["requests"]) for m in state.minutes if m["requests"]}
    kept = before.checkpoint()
    fewer = np.full(128, -1, np.int32)
    for tick in {int(t) for t in state.minutes["tick"] if t}:
        fewer[tick & 127] = state.ticks[tick & (state.ticks.size - 1)]
    tables = {**kept.tables, "scalars": state.scalars[: st.VOUCHED].copy(), "ticks": fewer}
    tables["counters"] = state.counters[: st.AHEAD].copy()
    after = _restored(Checkpoint(tables, kept.rest))
    assert rows
    more = traffic(600, first=START + HOUR, number=600)
    assert said(feed(before, more) + before.drain()) == said(feed(after, more) + after.drain())
    assert late(after) == 0


def test_ticks_are_laid_anew_from_the_open_minutes() -> None:
    partition = taken(traffic(600))
    heads = set(np.flatnonzero(partition.state.ticks >= 0).tolist())
    partition.state.ticks[:] = 0
    link_ticks(partition.state)
    assert set(np.flatnonzero(partition.state.ticks >= 0).tolist()) == heads


def _loaded(partitions: int) -> Loaded:
    return Loaded(config(partitions=partitions), {}, "sha256:0")


def _restored(kept: Checkpoint) -> AccountPartition:
    fresh = AccountPartition(config(), 0)
    filling = fresh.restoration()
    raw = {name: rows.copy().view(np.uint8) for name, rows in kept.tables.items()}
    filling.resize({name: rows.size for name, rows in raw.items()})
    for name, rows in raw.items():
        filling._table(name, rows.size)[: rows.size] = rows
    fresh.restore(filling, kept.rest)
    return fresh
