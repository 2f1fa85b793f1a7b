"""The bounded seen-table: what it promises, and what it gives up when it is full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from detectors.kernels.hashing import mix
from detectors.kernels.seen_table import (
    NEW,
    NEW_BY_EVICTION,
    OTHER,
    SEEN,
    contents_of,
    see,
    see_content,
    table,
)


def _mixed(value: int) -> np.uint64:
    return np.uint64(mix(np.uint64(value)))


def test_a_value_is_new_once_and_seen_while_it_is_live() -> None:
    entries = table(64)
    assert see(entries, _mixed(1), 10, 5) == NEW
    assert see(entries, _mixed(1), 10, 5) == SEEN
    assert see(entries, _mixed(1), 12, 9) == SEEN


def test_a_value_behind_the_floor_is_new_again() -> None:
    entries = table(64)
    see(entries, _mixed(1), 10, 5)
    assert see(entries, _mixed(1), 20, 10) == NEW


def test_stamps_may_wrap_around() -> None:
    entries = table(64)
    stamp = (1 << 20) - 1
    assert see(entries, _mixed(7), stamp, stamp - 2) == NEW
    assert see(entries, _mixed(7), stamp + 2, stamp - 1) == SEEN


def test_a_full_set_gives_up_its_oldest_and_says_so() -> None:
    entries = table(8)
    for age in range(8):
        assert see(entries, _mixed(age), 10 + age, 5) == NEW
    assert see(entries, _mixed(99), 30, 5) == NEW_BY_EVICTION
    assert see(entries, _mixed(1), 31, 5) == SEEN
    assert see(entries, _mixed(0), 32, 5) == NEW_BY_EVICTION


def test_dead_entries_are_reused_before_live_ones() -> None:
    entries = table(8)
    for age in range(8):
        see(entries, _mixed(age), 10 + age, 5)
    assert see(entries, _mixed(99), 30, 12) == NEW


@given(hs.lists(hs.integers(0, 2**64 - 1), unique=True, max_size=200))
def test_distinct_values_are_never_taken_for_each_other(values: list[int]) -> None:
    entries = table(1 << 12)
    outcomes = [see(entries, np.uint64(_mixed(v)), 10, 5) for v in values]
    assert SEEN not in outcomes


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_at_a_normal_load_few_live_entries_are_given_up(load: float) -> None:
    entries = table(1 << 14)
    count = int(entries.size * load)
    lost = sum(see(entries, _mixed(v), 10, 5) == NEW_BY_EVICTION for v in range(1, count))
    assert lost / count < {0.5: 0.02, 0.8: 0.12}[load]


def test_a_value_seen_with_one_content_is_not_seen_with_another() -> None:
    entries = table(64)
    contents = contents_of(entries)
    assert see_content(entries, contents, _mixed(1), np.uint32(5), 10, 5) == NEW
    assert see_content(entries, contents, _mixed(1), np.uint32(5), 10, 5) == SEEN
    assert see_content(entries, contents, _mixed(1), np.uint32(7), 10, 5) == OTHER
    assert see_content(entries, contents, _mixed(1), np.uint32(5), 10, 5) == SEEN


def test_what_is_seen_with_another_content_is_remembered_for_longer() -> None:
    entries = table(64)
    contents = contents_of(entries)
    see_content(entries, contents, _mixed(1), np.uint32(5), 10, 5)
    assert see_content(entries, contents, _mixed(1), np.uint32(7), 20, 9) == OTHER
    assert see_content(entries, contents, _mixed(1), np.uint32(5), 20, 12) == SEEN
    assert see_content(entries, contents, _mixed(1), np.uint32(7), 30, 20) == NEW


def test_of_a_value_whose_content_is_not_known_any_content_is_the_same() -> None:
    entries = table(64)
    see(entries, _mixed(1), 10, 5)
    assert see_content(entries, contents_of(entries), _mixed(1), np.uint32(5), 10, 5) == SEEN


@given(hs.lists(hs.tuples(hs.integers(0, 40), hs.integers(0, 40)), max_size=120))
def test_without_contents_both_ways_of_looking_up_are_one(seen: list[tuple[int, int]]) -> None:
    plain, other = table(16), table(16)
    contents = contents_of(other)
    for value, stamp in seen:
        found = see_content(other, contents, _mixed(value), np.uint32(1), stamp, 5)
        assert found == see(plain, _mixed(value), stamp, 5)
    assert (plain == other).all()
