"""Account volume against the account's own past: takeovers, ramps and farms that wake up.

Each closed hour in which an account was active, the log of its requests in the trailing 24 hours is
compared with an exponentially weighted baseline of its own active days. `AccountVolume` has both forms:
`observe` sees one account (River's statistics), `observe_columns` millions (the kernels of
`volume_baseline`). A test holds that both agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.interface.clock import DAY_MS
from detectors.interface.detector import (
    Beside,
    Card,
    Context,
    Evidence,
    Scores,
    Seen,
    Window,
    Windows,
)
from detectors.interface.surprise import student_surprise
from detectors.interface.tunable import on_trial, tunable
from detectors.interface.weighted_past import WeightedPast
from detectors.volume_baseline import (
    BASELINE,
    VolumeParams,
    clipped,
    learn,
    learn_rows,
    score,
    score_rows,
)

_MEMORY_VERSION = 1


@dataclass(frozen=True, slots=True)
class AccountVolume:
    """Section [volume]: requests in the trailing 24 hours, against the account's own active days.

    Reads `requests_24h` at an hour's close and, where that hour closes the UTC day, `day_requests`,
    which is learned. Keeps an exponentially weighted mean and variance of log volume. With Context
    facts `cohort_shift` and `cohort_spread` (how its cohort moved at that hour, log scale) what all
    do is subtracted; an account without a past is judged by `cohort_level` and
    `cohort_level_spread`, if given. Fails on accounts that are new, that grow slowly on purpose, or
    that work on few days with very different volume. Source: Roberts 1959 (EWMA charts), Finch 2009
    (weighted variance), Gelman et al. 2013, 3.3 (Student-t predictive); winsorised learning after
    Bhatia et al. 2020 (MIDAS-F: do not learn what was just called anomalous).
    """

    IN_ORDER: ClassVar = (("min_requests", "newcomer_requests"),)

    half_life_days: float = tunable(
        10.0, "two working weeks: they hold a weekly rhythm and still allow growth", low=1, high=120
    )
    min_windows: int = tunable(
        5, "a working week; before that an account has no habit to depart from", low=2, high=60
    )
    min_requests: int = tunable(
        50, "below this a day's count is mostly chance, hardly worth taking", low=1, high=1_000_000
    )
    newcomer_requests: int = tunable(
        200, "from this volume on a newcomer is compared with its cohort", low=1, high=10_000_000
    )
    min_surprise: float = tunable(
        6.0, "one window in 400 of an ordinary account; weaker fills the topic", low=1, high=100
    )
    prior_spread: float = tunable(
        0.5, "daily log volume of real API clients: a factor of 1.6 day to day", low=0.05, high=5
    )
    prior_days: float = tunable(
        4.0, "how many days of its own outweigh the general experience above", low=0.5, high=100
    )
    min_spread: float = tunable(
        0.3, "the steadiest job still changes by a third now and then", low=0.01, high=5
    )
    tail_df: float = tunable(
        5.0, "batch jobs and launches: tails far heavier than a normal's", low=1, high=100
    )
    clip_spreads: float = tunable(
        2.5, "learned of an odd day, in spreads: poison is slow, change is learned", low=1, high=20
    )
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return Card(
            name="volume.own_past",
            version=1,
            entity="account",
            family="volume",
            window="hour",
            reads=("requests_24h", "day_requests"),
            min_windows=self.min_windows,
            max_bytes=128,
            references=(
                "S. W. Roberts, Control chart tests based on geometric moving averages, 1959",
                "T. Finch, Incremental calculation of weighted mean and variance, 2009",
            ),
        )

    def params(self) -> VolumeParams:
        """The thresholds that compiled code needs."""
        return VolumeParams(
            fade=1.0 - 0.5 ** (1.0 / self.half_life_days),
            min_days=float(self.min_windows),
            prior_spread=float(self.prior_spread),
            prior_days=float(self.prior_days),
            min_spread=float(self.min_spread),
            tail_df=float(self.tail_df),
            clip=float(self.clip_spreads),
        )

    @property
    def memory(self) -> np.dtype[Any]:
        """An account's baseline, in columns."""
        return BASELINE

    @property
    def cohort_fade(self) -> float:
        """A cohort is known over the same time as an account."""
        return self.params().fade

    @property
    def cohort_min_spread(self) -> float:
        """As an account's."""
        return self.min_spread

    def observe_columns(self, memory: NDArray[Any], windows: Windows) -> Scores:
        """Score trailing days at an hour's close; learn from days where they are complete.

        `memory` is the whole table, of BASELINE.
        """
        count = windows.rows.size
        scores, params = Scores.silent(count), self.params()
        day = windows.values.get("day_requests")
        if day is not None:
            if windows.complete:
                learn_rows(memory, windows.rows, day, params, scores.failed)
            return scores._replace(
                level=np.log1p(np.where(np.isfinite(day) & (day > 0), day, np.nan))
            )
        requests = windows.values["requests_24h"]
        deviation, spread, surprise = np.full((3, count), np.nan)
        score_rows(
            memory, windows.rows, requests, params, deviation, spread, surprise, scores.failed
        )
        alone = np.isnan(surprise)
        odd = np.where(
            alone,
            requests >= self.newcomer_requests,
            (requests >= self.min_requests) & (surprise >= self.min_surprise),
        )
        past = memory[windows.rows]
        return Scores(
            odd=odd & np.isfinite(requests) & ~scores.failed,
            surprise=surprise,
            observed=requests,
            expected=np.where(alone, 0.0, np.expm1(past["mean"].astype(np.float64))),
            failed=scores.failed,
            deviation=deviation,
            spread=spread,
        )

    def again(self, memory: NDArray[Any], windows: Windows, place: int) -> None:
        """Raise what one account's arithmetic raises; `memory` is the whole table, of BASELINE."""
        past, params = memory[windows.rows[place]], self.params()
        learned = (float(past["mean"]), float(past["variance"]), int(past["days"]))
        day = windows.values.get("day_requests")
        if day is not None:
            learn(*learned, math.log1p(day[place]), params)
        else:
            score(*learned, math.log1p(windows.values["requests_24h"][place]), params)

    def compare(
        self, evidence: Evidence, deviation: float | None, spread: float, beside: Beside
    ) -> Evidence | None:
        """The evidence after what all of its cohort do was subtracted, or beside its level."""
        y = math.log1p(evidence.observed)
        if deviation is None:
            if beside.level is None or evidence.observed < self.newcomer_requests:
                return None
            deviation, spread = y - beside.level[0], beside.level[1]
        else:
            deviation -= beside.shift
            spread = math.sqrt(spread**2 + beside.variance)
        surprise = student_surprise(deviation / spread, float(self.tail_df))
        if surprise < self.min_surprise:
            return None
        expected = math.expm1(max(y - deviation, 0.0))
        return msgspec.structs.replace(evidence, expected=expected, surprise=surprise)

    def fresh(self) -> WeightedPast:
        """Memory of an account never seen before."""
        return WeightedPast.fresh(self.params().fade)

    def observe(
        self, memory: WeightedPast, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Score the trailing day, then learn the closed day, if the window brings one."""
        requests = window.values.get("requests_24h")
        found: tuple[Evidence, ...] | None = None
        if requests is not None and math.isfinite(requests):
            found = self._judge(memory, max(requests, 0.0), window.end, context)
        day = window.values.get("day_requests")
        if window.complete and day is not None and math.isfinite(day) and day > 0:
            self._learn(memory, math.log1p(day))
        return found

    def evidence(self, seen: Seen) -> Evidence:
        """What an odd trailing day looks like to a reader."""
        return Evidence(
            detector=self.card.tag,
            family="volume",
            parameter="requests_24h",
            observed=seen.observed,
            expected=seen.expected,
            unit="requests",
            surprise=seen.surprise,
            window_start=seen.end - DAY_MS,
            window_end=seen.end,
        )

    def dump(self, memory: WeightedPast) -> list[Any]:
        """The memory as plain numbers: version, mean, mean square, days."""
        return [_MEMORY_VERSION, *memory.dump()]

    def restore(self, plain: Any) -> WeightedPast | None:
        """The memory a dump stands for; None (start fresh) if it cannot be told."""
        match plain:
            case [int(version), *past] if version == _MEMORY_VERSION:
                return WeightedPast.restore(self.params().fade, past)
        return None

    def _judge(
        self, memory: WeightedPast, requests: float, end: int, context: Context
    ) -> tuple[Evidence, ...] | None:
        mean, variance = memory.moments()
        params, facts = self.params(), context.facts
        y = math.log1p(requests)
        deviation, spread, surprise = score(mean, variance, memory.count, y, params)
        gate = self.min_requests
        if math.isnan(surprise):
            level, wide = facts.get("cohort_level"), facts.get("cohort_level_spread")
            if level is None or wide is None:
                return None
            deviation, spread = y - level, max(wide, params.min_spread)
            gate = self.newcomer_requests
        else:
            deviation -= max(facts.get("cohort_shift", 0.0), 0.0)
            spread = math.hypot(spread, facts.get("cohort_spread", 0.0))
        surprise = student_surprise(deviation / spread, params.tail_df)
        if requests < gate or surprise < self.min_surprise:
            return ()
        return (self.evidence(Seen(requests, math.expm1(max(y - deviation, 0.0)), surprise, end)),)

    def _learn(self, memory: WeightedPast, y: float) -> None:
        mean, variance = memory.moments()
        memory.learn(clipped(mean, variance, memory.count, y, self.params()))
