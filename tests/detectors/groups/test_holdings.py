"""Holdings: two tables in order make one, what is not used fades, and a value's first hour stays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from detectors.groups.holdings import FLOOR, HALF_LIFE_HOURS, HELD, by_value, fade, merged

ROWS = some.lists(
    some.tuples(some.integers(0, 2), some.integers(0, 4), some.integers(0, 4), some.integers(1, 9)),
    max_size=30,
)


def table(rows: list[tuple[int, int, int, int]], hour: int) -> np.ndarray:
    """HELD of (kind, key, member, count) in order of value, as they come; some may be equal."""
    held = np.zeros(len(rows), HELD)
    for place, (kind, key, row, count) in enumerate(rows):
        held[place] = (key, row, count, hour, kind)
    return by_value(held)


def as_dict(held: np.ndarray) -> dict[tuple[int, int, int], tuple[float, int]]:
    """By kind, key and member: count and hour."""
    return {
        (int(h["kind"]), int(h["key"]), int(h["row"])): (float(h["count"]), int(h["joined"]))
        for h in held
    }


@given(ROWS, ROWS)
def test_two_tables_make_one_as_a_dict_would(old: list, new: list) -> None:
    unique = list({row[:3]: row for row in old}.values())
    found = merged(table(unique, 5), table(new, 9), 0.5)
    expected: dict[tuple[int, int, int], tuple[float, int]] = {
        row[:3]: (row[3] * 0.5, 5) for row in unique
    }
    for row in new:
        count, hour = expected.get(row[:3], (0.0, 9))
        expected[row[:3]] = (count + row[3], hour)
    assert as_dict(found) == expected
    keys = [(int(h["kind"]), int(h["key"]), int(h["row"])) for h in found]
    assert keys == sorted(set(keys))


def test_what_is_not_used_is_dropped_in_the_end() -> None:
    held = table([(0, 1, 1, 1)], 0)
    nothing = np.zeros(0, HELD)
    assert fade(HALF_LIFE_HOURS) == 0.5
    for _ in range(4):
        held = merged(held, nothing, fade(HALF_LIFE_HOURS))
        assert held.size == 1
    assert merged(held, nothing, FLOOR / 2).size == 0
