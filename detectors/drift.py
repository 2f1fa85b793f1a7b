"""Drift: an account, or all on a model, comes to be used otherwise than before, and stays so.

Three things that extraction changes and growth does not are followed from day to day: how much comes
out per token that goes in, how evenly prompts fall on templates, and how evenly on capabilities. Each
day is held against an exponentially weighted past of its own, in spreads, and Page-Hinkley's test adds
up what lies beyond; one odd day is no drift.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from river.drift import PageHinkley

from detectors.errors import ContractError
from detectors.interface.clock import DAY_MS
from detectors.interface.detector import Card, Context, Entity, Evidence, Window
from detectors.interface.plain import from_plain, to_plain
from detectors.interface.surprise import bounded, student_surprise
from detectors.interface.tunable import on_trial, tunable
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


@dataclass(frozen=True, slots=True)
class _Drift:
    """The thresholds of drift, and what accounts and models have in common. See `AccountDrift`."""

    ENTITY: ClassVar[Entity] = "account"
    NAME: ClassVar = "drift"
    ACTIVE: ClassVar = 1_000

    half_life_days: float = tunable(
        14.0, "two weeks of its own say what is usual; a slow change is learned", low=2, high=120
    )
    min_days: int = tunable(
        7, "a week: before that nothing is known to depart from", low=3, high=60
    )
    min_requests: int = tunable(
        50, "a day with fewer requests says little of how they are spread", low=1, high=100_000
    )
    allowance_spreads: float = tunable(
        0.5, "what a day may lie beyond the past before it adds up: half a spread", low=0.1, high=3
    )
    clip_spreads: float = tunable(
        3.0, "one wild day counts as so many spreads: drift takes 3 days or more", low=1, high=20
    )
    min_surprise: float = tunable(
        8.0, "one window in 3,000 of steady use; thousands are followed", low=1, high=100
    )
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return Card(
            name=self.NAME,
            version=1,
            entity=self.ENTITY,
            family="drift",
            window="day",
            reads=("day_requests", *(followed.feature for followed in FOLLOWED)),
            min_windows=self.min_days,
            max_bytes=3_600,
            references=(
                "E. S. Page, Continuous inspection schemes, Biometrika 41, 1954",
                "D. Siegmund, Sequential Analysis, 1985, section 2.6 (tail of a reflected sum)",
            ),
            active=self.ACTIVE,
            least=self.min_requests,
        )

    def fresh(self) -> Memory:
        """Memory of an entity never seen before."""
        return {followed.feature: self._course() for followed in FOLLOWED}

    def observe(
        self, memory: Memory, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Follow each thing a day further; tell what has drifted."""
        requests = window.values.get("day_requests", math.nan)
        if not (math.isfinite(requests) and requests >= self.min_requests):
            return ()  # a quiet day says nothing, and nothing is learned
        found, known = [], False
        for followed in FOLLOWED:
            value = window.values.get(followed.feature, math.nan)
            if not math.isfinite(value) or (followed.logarithmic and value <= 0):
                continue
            course = memory[followed.feature]
            known = known or course.past.count >= self.min_days
            drifted = self._follow(course, followed, value, window) if window.complete else None
            if drifted is not None:
                found.append(drifted)
        return tuple(found) if known else None

    def dump(self, memory: Memory) -> list[Any]:
        """The memory as plain data: version, then each course by the order of `FOLLOWED`."""
        return [
            _MEMORY_VERSION,
            *(
                [c.past.dump(), to_plain(c.test), c.recent]
                for c in (memory[followed.feature] for followed in FOLLOWED)
            ),
        ]

    def restore(self, plain: Any) -> Memory | None:
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
                followed.feature: self._restored(course)
                for followed, course in zip(FOLLOWED, courses, strict=True)
            }
        except (ContractError, TypeError, ValueError):
            return None

    @property
    def _fade(self) -> float:
        return 1.0 - 0.5 ** (1.0 / self.half_life_days)

    def _course(self) -> Course:
        return Course(WeightedPast.fresh(self._fade), self._test())

    def _restored(self, plain: Any) -> Course:
        past, test, recent = plain
        made, known, fresh = WeightedPast.restore(self._fade, past), from_plain(test), self._test()
        if made is None or not isinstance(known, PageHinkley):
            raise ContractError("not what a course consists of")
        known.delta, known.threshold = fresh.delta, fresh.threshold  # as they are now
        return Course(made, known, [(int(start), float(y)) for start, y in recent][-_RECENT:])

    def _test(self) -> PageHinkley:
        """Page-Hinkley on spreads.

        Between drifts its sum is a walk that falls by the allowance a day and is reflected at 0, so it
        exceeds t with a probability of about exp(-2 * allowance * t): that is the threshold. Of three
        things on two sides one drifts six times as often.
        """
        return PageHinkley(
            min_instances=1,
            delta=self.allowance_spreads,
            threshold=(self.min_surprise + _CHOICES) / (2.0 * self.allowance_spreads),
            alpha=1.0,
            mode="both",
        )

    def _follow(
        self, course: Course, followed: Followed, value: float, window: Window
    ) -> Evidence | None:
        y = math.log(value) if followed.logarithmic else value
        course.recent = [*course.recent[1 - _RECENT :], (window.start, y)]
        mean, spread = _past(course, followed.min_spread)
        if course.past.count < self.min_days:
            course.past.learn(y)
            return None
        reach = self.clip_spreads * spread
        taken = min(max(y, mean - reach), mean + reach)
        course.test.update((taken - mean) / spread)
        if course.test.drift_detected:
            return self._told(course, followed, mean, spread, window)
        # Less than it counts: or a drift would widen the spread that it is held against.
        learned = _LEARNED_SPREADS * spread
        course.past.learn(min(max(y, mean - learned), mean + learned))
        return None

    def _told(
        self, course: Course, followed: Followed, mean: float, spread: float, window: Window
    ) -> Evidence:
        """What drifted, from what to what and since when; what it is now becomes the past.

        As surprising as the test says, or more where the new level lies far out.
        """
        start, now = _beginning(course.recent, mean)
        fresh = self._course()
        for y in now:
            fresh.past.learn(y)
        course.past, course.test = fresh.past, fresh.test
        to = sum(now) / len(now)
        worth = math.sqrt(max(len(now) * _WORTH, 1.0))
        far = student_surprise(abs(to - mean) / spread * worth, _TAIL_DF) - _CHOICES
        real = math.exp if followed.logarithmic else float
        return Evidence(
            detector=self.card.tag,
            family="drift",
            parameter=followed.parameter,
            observed=real(to),
            expected=real(mean),
            unit=followed.unit,
            surprise=max(self.min_surprise, bounded(far)),
            window_start=start,
            window_end=max(window.end, start + DAY_MS),
        )


@dataclass(frozen=True, slots=True)
class AccountDrift(_Drift):
    """Section [drift]: a lasting change in how an account is used, against its own past.

    Reads the day's requests, tokens out per token in, and entropies of templates and capabilities, of the
    busiest accounts. Keeps, for each of the three, weighted means of value and square, a Page-Hinkley
    test and the last 14 days. Fails on accounts that are new or quiet, on those that change slower than
    the past is forgotten, and calls a customer odd who builds another product. Source: Page 1954;
    Siegmund 1985; River's PageHinkley and EWMean.
    """


@dataclass(frozen=True, slots=True)
class ModelDrift(_Drift):
    """Section [model_drift]: a lasting change in how all accounts together use a model.

    Reads, keeps and fails as `AccountDrift`, of models. What it finds names nobody: it speaks against the
    same drift of accounts on that model, and operations are told. Source: as there.
    """

    ENTITY: ClassVar[Entity] = "model"
    NAME: ClassVar = "model_drift"
    ACTIVE: ClassVar = 64


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
