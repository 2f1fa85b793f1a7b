"""Leaders: nearly equal wordings have one, whoever floods the bands; the silent are forgotten."""

from __future__ import annotations

import numpy as np

from detectors.groups.leaders import RADIUS, SILENT_HOURS, Leaders

WORD = 0x0123_4567_89AB_CDEF


def words(*values: int) -> np.ndarray:
    """As a column."""
    return np.array(values, np.uint64)


def test_a_wording_near_a_leader_belongs_to_it() -> None:
    leaders = Leaders(100)
    near, far = WORD ^ 0b111, WORD ^ ((1 << 20) - 1)
    found = leaders.lead(words(WORD, near, far, far ^ 1), 0)
    assert found.tolist() == [WORD, WORD, far, far]
    assert leaders.count == 2


def test_of_several_the_nearest_leads() -> None:
    leaders = Leaders(100)
    other = WORD ^ ((1 << (2 * RADIUS)) - 1)
    leaders.lead(words(WORD, other), 0)
    between = WORD ^ 0b11111
    assert leaders.lead(words(between), 1).tolist() == [WORD]


def test_what_was_kept_leads_as_before() -> None:
    leaders, after = Leaders(100), Leaders(100)
    random = np.random.default_rng(5).integers(0, 1 << 63, 3_000, dtype=np.uint64)
    leaders.lead(random, 0)
    after.restore(np.ascontiguousarray(leaders.kept).view(np.uint8))
    asked = random ^ np.uint64(1)
    assert after.lead(asked, 1).tolist() == leaders.lead(asked, 1).tolist()


def test_leaders_that_are_too_many_or_silent_go() -> None:
    leaders = Leaders(1_000)
    random = np.random.default_rng(6).integers(0, 1 << 63, 3_000, dtype=np.uint64)
    leaders.lead(random[:1_500], 0)
    leaders.compact(1)
    assert (leaders.count, leaders.evicted) == (1_000, 500)  # what came last goes first
    leaders.lead(random[:10], SILENT_HOURS)
    leaders.compact(SILENT_HOURS + 1)
    assert leaders.count == 10
