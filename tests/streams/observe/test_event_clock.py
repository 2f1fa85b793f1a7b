"""/readyz notes event time that is not what it should be, and nothing where all is well."""

from __future__ import annotations

from typing import NamedTuple

from detectors.accounts.partition import AccountPartition
from streams.observe.event_clock import clock_notes
from tests.stage_stories import MINUTE, START, config, feed, request


class Shown(NamedTuple):
    """Of a stage, what the notes look at."""

    partition: int
    part: object
    late_share: float | None


def _stage(partition: int, late_share: float | None, reached: int = START) -> Shown:
    part = AccountPartition(config(), 0)
    feed(part, [request(0, reached)])
    return Shown(partition, part, late_share)


def _notes(*stages: Shown, now: int = START) -> dict[str, str]:
    return clock_notes(stages, lambda: now / 1000)  # type: ignore[arg-type]


def test_nothing_is_noted_while_little_is_late_and_time_is_not_ahead() -> None:
    assert _notes(_stage(0, None), _stage(1, 0.04), _stage(2, 0.0, START + MINUTE)) == {}
    assert _notes(Shown(0, object(), None)) == {}


def test_a_partition_of_which_much_is_late_is_named_with_its_share() -> None:
    found = _notes(_stage(0, 0.01), _stage(3, 0.5), _stage(2, 0.25))
    assert set(found) == {"late events"}
    assert found["late events"].startswith("50% of what partition 3 takes comes too late")
    assert "and 1 more partitions" in found["late events"]


def test_a_partition_ahead_of_the_clock_is_named_with_its_seconds() -> None:
    found = _notes(_stage(0, 0.0), _stage(4, 0.0, START + 59 * MINUTE))
    assert set(found) == {"event time"}
    assert found["event time"].startswith("partition 4 is 3,540 s ahead of the clock")


def test_a_mark_that_is_ahead_counts_as_event_time() -> None:
    part = AccountPartition(config(), 0)
    part.raise_mark(START + 60 * MINUTE)
    assert "4,200 s ahead" in _notes(Shown(1, part, None))["event time"]
