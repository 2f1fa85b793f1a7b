"""The network stage: who shares a value, how it is counted, and that no order of arrival matters."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.births import KeyBirths
from detectors.exchange.hand_over import watermark_only
from detectors.interface.clock import NO_TIME
from detectors.interface.key_kinds import DEVICE, PAYMENT, PREFIX, TEMPLATE
from detectors.networks import state as ks
from detectors.networks.partition import NetworkPartition
from tests.detectors.networks.scenes import (
    T0,
    close,
    edge,
    members_of,
    partition_of,
    sent,
    shared_of,
)
from tests.stage_stories import DAY, MINUTE, START, config, shared_values


def test_a_value_is_shared_from_its_second_account_on_and_keeps_the_first() -> None:
    keys = partition_of()
    close(keys, sent(0, T0, edges=[edge(1)]))
    assert shared_of(keys) is None
    close(keys, sent(0, T0 + 1, edges=[edge(1), edge(2)]))
    assert members_of(keys) == [1, 2]
    shared = shared_of(keys)
    assert shared is not None
    assert (shared["accounts"], shared["births"], shared["members"]) == (2, 2, 2)
    assert shared_of(keys, kind=DEVICE) is None


def test_sums_of_shared_values_go_into_hour_day_and_the_day_before() -> None:
    keys = partition_of()
    capability = [0, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    total = {"key": 77, "kind": PAYMENT, "requests": 3, "input": 10, "output": 20, "accounts": 2}
    close(keys, sent(0, T0, edges=[edge(1), edge(2)]))
    for tick in (T0 + 1, T0 + 59):
        close(keys, sent(0, tick, sums=[{**total, "capability": capability}]))
    shared = shared_of(keys)
    assert shared is not None
    assert (shared["hour_requests"], shared["day_requests"]) == (0, 6)
    assert (shared["minute_requests"], shared["minute_accounts"]) == (3, 2)
    close(keys, sent(0, T0 + 70, sums=[{**total, "capability": capability}]))
    shared = shared_of(keys)
    assert shared is not None
    assert (shared["hour_requests"], shared["hour_output"]) == (3, 20)
    close(keys, until=T0 + 1439)
    shared = shared_of(keys)
    assert shared is not None
    assert (shared["past_requests"], shared["past_output"], shared["day_requests"]) == (9, 60, 0)
    assert shared["past_capability"].tolist() == [3 * c for c in capability]


def test_loads_of_all_sources_are_those_of_the_day_that_closed() -> None:
    keys = partition_of(partitions=2)
    load = {"key": 77, "kind": PAYMENT, "requests": 30, "squares": 500, "accounts": 2}
    for day in (1, 2):
        end = T0 + day * 1440 - 1
        for source in (0, 1):
            keys.receive(sent(source, end - 5, edges=[edge(1), edge(2)]))
            keys.receive(sent(source, end, loads=[load]))
        keys.advance()
        shared = shared_of(keys)
        assert shared is not None
        assert (shared["load_requests"], shared["load_squares"]) == (60, 1000)
        assert shared["load_accounts"] == 4


def test_births_of_strangers_are_found_and_those_of_one_organisation_are_not() -> None:
    strangers, colleagues = partition_of(), partition_of()
    (found,) = close(strangers, sent(0, T0, edges=[edge(a) for a in range(1, 9)]))
    assert not close(colleagues, sent(0, T0, edges=[edge(a, org=5) for a in range(1, 9)]))
    (key,) = found.keys
    assert key.members == tuple(range(1, 9))
    (evidence,) = key.evidence
    assert evidence.observed == 8
    old = partition_of()
    assert not close(old, sent(0, T0, edges=[edge(a, young=0) for a in range(1, 9)]))


@settings(max_examples=60)
@given(
    hs.integers(0, 2**64 - 1),
    hs.sets(hs.integers(0, 63), min_size=1, max_size=20),
)
def test_templates_of_two_accounts_form_a_bucket_where_a_shared_band_has_them_near(
    template: int, bits: set[int]
) -> None:
    other = template ^ sum(1 << b for b in bits)
    keys = partition_of()
    for account, prompt in ((1, template), (2, other)):
        row = {"template": prompt, "account": account, "time": START, "requests": 2, "young": 1}
        rows = [{**row, "band": band} for band in range(4)]
        close(keys, sent(0, T0 + account, templates=rows))
    equal_bands = sum(not any(b // 16 == band for b in bits) for band in range(4))
    formed = keys.state.shared[: keys.state.scalars[ks.SHARED]]
    if len(bits) <= config().of(KeyBirths).template_distance:
        assert len(formed) == equal_bands
        assert all(row["template"] == template and row["kind"] == TEMPLATE for row in formed)
        assert all(row["accounts"] == 2 and row["hour_requests"] == 2 for row in formed)
    else:
        assert len(formed) == 0


def test_an_expired_value_starts_anew_and_names_its_members_again() -> None:
    keys = partition_of(key_expiry_days=2)
    close(keys, sent(0, T0, edges=[edge(1), edge(2)]))
    close(keys, until=T0 + 4 * 1440)
    assert shared_of(keys) is None
    assert keys.state.counters[ks.SHARED_EXPIRED] == 1
    again = [edge(a, time=START + 4 * DAY + MINUTE) for a in (1, 2)]
    close(keys, sent(0, T0 + 4 * 1440 + 1, edges=again))
    assert members_of(keys) == [1, 2]


def test_a_member_that_announces_itself_in_every_period_is_named_once() -> None:
    keys = partition_of(key_expiry_days=2)
    for period in range(6):
        at = T0 + period * 2880
        total = {"key": 77, "kind": PAYMENT, "requests": 1, "accounts": 1}
        edges = [edge(1), edge(2)]
        close(keys, sent(0, at, edges=edges, sums=[total]))
        close(keys, sent(0, at + 1440, sums=[total]))
    assert members_of(keys) == [1, 2]


def test_a_source_that_lags_holds_the_tick_back() -> None:
    keys = partition_of(partitions=2)
    assert not close(keys, sent(0, T0, edges=[edge(a) for a in range(1, 9)]))
    assert keys.closed == NO_TIME
    keys.receive(watermark_only(1, T0 - 1))
    assert not keys.advance()
    assert shared_of(keys) is None
    keys.receive(watermark_only(1, T0))
    assert [f.tick for f in keys.advance()] == [T0]
    assert keys.closed == T0


def test_a_part_that_was_applied_is_dropped_and_a_tick_waits_for_its_last_part() -> None:
    keys = partition_of()
    first = sent(0, T0, 0, last=False, edges=[edge(1), edge(2)])
    second = sent(0, T0, 1, sums=[{"key": 77, "kind": PAYMENT, "requests": 5, "accounts": 1}])
    for hand_over in (first, first):
        assert not close(keys, hand_over)
        assert keys.closed == NO_TIME
    close(keys, second, first, second)
    shared = shared_of(keys)
    assert shared is not None
    assert shared["hour_requests"] == 5
    close(keys, second, first, until=T0 + 5)
    assert shared["hour_requests"] == 5


@settings(max_examples=10)
@given(hs.randoms())
def test_the_order_in_which_sources_arrive_changes_nothing(random: Any) -> None:
    told = shared_values(2)
    results = []
    for mixed in (False, True):
        keys = NetworkPartition(config(partitions=2), 0)
        rows = [iter(own) for own in told]
        order = [s for s, own in enumerate(told) for _ in own]
        if mixed:
            random.shuffle(order)
        found = []
        for source in order:
            keys.receive(next(rows[source]))
            if mixed:
                found += keys.advance()
        found += keys.advance()
        results.append((msgspec.msgpack.encode(found), keys.state.shared.tobytes()))
    assert results[0] == results[1]
    assert len(results[0][0]) > 100


@pytest.mark.parametrize("jump", [3 * DAY, 400 * 365 * DAY])
def test_a_jump_in_time_is_quick_and_closes_every_hour_and_day(jump: int) -> None:
    keys = partition_of()
    hand_overs = [
        sent(0, T0, edges=[edge(1), edge(2)], sums=[{"key": 77, "kind": PAYMENT, "requests": 4}]),
        watermark_only(0, T0 + jump // MINUTE),
    ]
    close(keys, *hand_overs)
    shared = shared_of(keys)
    if jump > 14 * DAY:
        assert shared is None
    else:
        assert shared is not None
        assert (shared["hour_requests"], shared["day_requests"], shared["past_requests"]) == (
            0,
            0,
            0,
        )


def test_findings_do_not_depend_on_how_many_ticks_close_at_once() -> None:
    (told,) = shared_values(1)
    results = []
    for at_once in (False, True):
        keys = partition_of()
        found = []
        for hand_over in told:
            keys.receive(hand_over)
            if not at_once:
                found += keys.advance()
        found += keys.advance()
        results.append((msgspec.msgpack.encode(found), keys.state.shared.tobytes()))
    assert results[0] == results[1]


def test_a_full_member_pool_makes_hubs_of_the_largest_values() -> None:
    keys = partition_of(shared_keys=100, member_cap=64)
    account = itertools.count(1)
    for n in range(40):
        edges = [edge(next(account), key=1000 + n, kind=PREFIX, young=0) for _ in range(50)]
        close(keys, sent(0, T0 + n, edges=edges))
    assert keys.state.counters[ks.MEMBER_OVERFLOW] == 0
    assert keys.state.counters[ks.HUBS] > 0
    assert members_of(keys, 1039, PREFIX)
