"""The course that a use takes from day to day: its past, the test of a lasting change, recent days."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from river.drift import PageHinkley

from detectors.errors import ContractError
from detectors.interface.clock import DAY_MS
from detectors.interface.detector import Evidence, Window
from detectors.interface.plain import from_plain, to_plain
from detectors.interface.surprise import bounded, student_surprise
from detectors.interface.weighted_past import WeightedPast

_MEMORY_VERSION = 1
_RECENT = 14  # days among which the beginning of a drift is sought
_WORTH = 0.5  # of an independent day is each of several in a row
_TAIL_DF = 5.0  # days of real use have far heavier tails than a normal's
_LEARNED_SPREADS = 1.5
_CLIPPED = 0.778  # of a normal's variance is left when it is clipped there


class Followed(NamedTuple):
    """One thing that is followed: which feature, in which scale, and what a reader is told."""

    feature: str
    logarithmic: bool
    min_spread: float  # of a day, in that scale: even the steadiest use varies so much
    parameter: str
    unit: str


FOLLOWED = (
    Followed(
        "day_output_input_ratio", True, 0.15, "output_tokens_per_input_token", "tokens, by day"
    ),
    Followed("day_template_entropy", False, 0.25, "template_entropy", "nats, by day"),
    Followed("day_capability_entropy", False, 0.15, "capability_entropy", "nats, by day"),
)
_CHOICES = math.log(2 * len(FOLLOWED))  # one of several things, up or down


@dataclass(slots=True)
class Course:
    """What is remembered of one thing: its past, the test, and recent days."""

    past: WeightedPast
    test: PageHinkley
    recent: list[tuple[int, float]] = field(default_factory=list)  # start of the day, value


Memory = dict[str, Course]


class Thresholds(Protocol):
    """What a course goes by, as `AccountDrift` and `ModelDrift` declare it."""

    @property
    def half_life_days(self) -> float:
        """Of the past."""
        ...

    @property
    def min_days(self) -> int:
        """Days before anything is judged."""
        ...

    @property
    def min_requests(self) -> int:
        """Of a day that is looked at."""
        ...

    @property
    def allowance_spreads(self) -> float:
        """What a day may lie beyond the past before it adds up."""
        ...

    @property
    def clip_spreads(self) -> float:
        """What one day counts at the most."""
        ...

    @property
    def min_surprise(self) -> float:
        """Of a drift, nats."""
        ...


def fresh_memory(rules: Thresholds) -> Memory:
    """Memory of whom nothing is known."""
    return {followed.feature: _fresh(rules) for followed in FOLLOWED}


def follow_day(
    rules: Thresholds, memory: Memory, window: Window, tag: str
) -> tuple[Evidence, ...] | None:
    """Follow each thing a day further; what has drifted, signed with `tag`. None: nothing known yet."""
    requests = window.values.get("day_requests", math.nan)
    if not (math.isfinite(requests) and requests >= rules.min_requests):
        return ()  # a quiet day says nothing, and nothing is learned
    found, known = [], False
    for followed in FOLLOWED:
        value = window.values.get(followed.feature, math.nan)
        if not math.isfinite(value) or (followed.logarithmic and value <= 0):
            continue
        course = memory[followed.feature]
        known = known or course.past.count >= rules.min_days
        drifted = _follow(rules, course, followed, value, window, tag) if window.complete else None
        if drifted is not None:
            found.append(drifted)
    return tuple(found) if known else None


def dumped(memory: Memory) -> list[Any]:
    """A memory as plain data: version, then each course by the order of `FOLLOWED`."""
    return [
        _MEMORY_VERSION,
        *(
            [c.past.dump(), to_plain(c.test), c.recent]
            for c in (memory[followed.feature] for followed in FOLLOWED)
        ),
    ]


def restored(rules: Thresholds, plain: Any) -> Memory | None:
    """The memory a dump stands for; None (start fresh) if it cannot be told."""
    match plain:
        case [int(version), *courses] if version == _MEMORY_VERSION and len(courses) == len(
            FOLLOWED
        ):
            pass
        case _:
            return None
    try:
        return {
            followed.feature: _course(rules, course)
            for followed, course in zip(FOLLOWED, courses, strict=True)
        }
    except (ContractError, TypeError, ValueError):
        return None


def _fade(rules: Thresholds) -> float:
    return 1.0 - 0.5 ** (1.0 / rules.half_life_days)


def _fresh(rules: Thresholds) -> Course:
    return Course(WeightedPast.fresh(_fade(rules)), _test(rules))


def _course(rules: Thresholds, plain: Any) -> Course:
    past, test, recent = plain
    made, known, fresh = WeightedPast.restore(_fade(rules), past), from_plain(test), _test(rules)
    if made is None or not isinstance(known, PageHinkley):
        raise ContractError("not what a course consists of")
    known.delta, known.threshold = fresh.delta, fresh.threshold  # as they are now
    return Course(made, known, [(int(start), float(y)) for start, y in recent][-_RECENT:])


def _test(rules: Thresholds) -> PageHinkley:
    """Page-Hinkley on spreads.

    Between drifts its sum is a walk that falls by the allowance a day and is reflected at 0, so it
    exceeds t with a probability of about exp(-2 * allowance * t): that is the threshold. Of three
    things on two sides one drifts six times as often.
    """
    return PageHinkley(
        min_instances=1,
        delta=rules.allowance_spreads,
        threshold=(rules.min_surprise + _CHOICES) / (2.0 * rules.allowance_spreads),
        alpha=1.0,
        mode="both",
    )


def _follow(
    rules: Thresholds, course: Course, followed: Followed, value: float, window: Window, tag: str
) -> Evidence | None:
    y = math.log(value) if followed.logarithmic else value
    course.recent = [*course.recent[1 - _RECENT :], (window.start, y)]
    mean, spread = _past(course, followed.min_spread)
    if course.past.count < rules.min_days:
        course.past.learn(y)
        return None
    reach = rules.clip_spreads * spread
    taken = min(max(y, mean - reach), mean + reach)
    course.test.update((taken - mean) / spread)
    if course.test.drift_detected:
        return _told(rules, course, followed, (mean, spread), window, tag)
    # Less than it counts: or a drift would widen the spread that it is held against.
    learned = _LEARNED_SPREADS * spread
    course.past.learn(min(max(y, mean - learned), mean + learned))
    return None


def _told(
    rules: Thresholds,
    course: Course,
    followed: Followed,
    past: tuple[float, float],
    window: Window,
    tag: str,
) -> Evidence:
    """What drifted, from what to what and since when; what it is now becomes the past.

    As surprising as the test says, or more where the new level lies far out.
    """
    mean, spread = past
    start, now = _beginning(course.recent, mean)
    fresh = _fresh(rules)
    for y in now:
        fresh.past.learn(y)
    course.past, course.test = fresh.past, fresh.test
    to = sum(now) / len(now)
    worth = math.sqrt(max(len(now) * _WORTH, 1.0))
    far = student_surprise(abs(to - mean) / spread * worth, _TAIL_DF) - _CHOICES
    real = math.exp if followed.logarithmic else float
    return Evidence(
        detector=tag,
        family="drift",
        parameter=followed.parameter,
        observed=real(to),
        expected=real(mean),
        unit=followed.unit,
        surprise=max(rules.min_surprise, bounded(far)),
        window_start=start,
        window_end=max(window.end, start + DAY_MS),
    )


def _past(course: Course, least: float) -> tuple[float, float]:
    """Mean and spread of the days before, as a day to come may lie about them."""
    mean, variance = course.past.moments()
    whole = variance / _CLIPPED * (1.0 + 1.0 / max(course.past.count, 1))
    return mean, max(math.sqrt(whole), least)


def _beginning(recent: list[tuple[int, float]], mean: float) -> tuple[int, list[float]]:
    """Since when the days lie on another side of the past, and their values."""
    side = math.copysign(1.0, recent[-1][1] - mean)
    at = len(recent) - 1
    while at > 0 and (recent[at - 1][1] - mean) * side > 0:
        at -= 1
    return recent[at][0], [y for _, y in recent[at:]]
