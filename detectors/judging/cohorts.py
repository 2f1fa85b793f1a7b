"""The cohort's word on an account: what all do is no evidence, and who has no past is judged by all.

The campaign owner merges, per tick, how the accounts of each cohort moved (integers, so that the
order of partitions cannot matter) and then judges each account's finding: a launch day on which
everybody doubles cancels, and an account without a past is compared with the volume that accounts
of its cohort show.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from detectors.exchange.findings import AccountFinding, CohortSum
from detectors.interface.detector import Beside, Compared, Described, Evidence
from detectors.judging.soundness import sound_evidence

MAX_COHORTS = 256  # tier * 8 + sign-up, one byte
_MICRO = 1e6
_STATE_VERSION = 1
_SMALL = 20.0  # a cohort of this many accounts explains half of what it shows
_ENOUGH = 200.0  # account-days before a cohort's level says anything


class Cohorts:
    """What one detector's scale shows of every cohort: its movement at this tick, its usual spread and level.

    State is plain numbers, at most `MAX_COHORTS` rows; see `dump` and `restore`.
    """

    def __init__(self, detector: Compared) -> None:
        self._detector = detector
        self._fade = detector.cohort_fade
        self._min_spread = detector.cohort_min_spread
        self._tick = -1
        # cohort -> merged integer sums of this tick: count, sum, squares of deviations
        self._shifts: dict[int, tuple[int, int, int]] = {}
        # cohort -> weight, weighted sum: the variance of deviations that is usual in it
        self._usual: dict[int, tuple[float, float]] = {}
        # cohort -> account-days, sum, squares of daily log volume, all faded
        self._levels: dict[int, tuple[float, float, float]] = {}

    def close(self, tick: int, sums: Iterable[CohortSum]) -> None:
        """Merge a tick's sums of all partitions. Call it before `judge`, once per tick."""
        shifts: dict[int, tuple[int, int, int]] = {}
        levels: dict[int, tuple[int, int, int]] = {}
        for one in sums:
            if not 0 <= one.cohort < MAX_COHORTS:
                continue
            shift = (one.shift_count, one.shift_sum, one.shift_squares)
            level = (one.level_count, one.level_sum, one.level_squares)
            shifts[one.cohort] = _added(shifts.get(one.cohort), shift)
            levels[one.cohort] = _added(levels.get(one.cohort), level)
        self._keep_usual()
        self._tick = tick
        self._shifts = {c: s for c, s in sorted(shifts.items()) if s[0] > 0}
        for cohort, (count, total, squares) in sorted(levels.items()):
            if count > 0:
                self._learn_level(cohort, count, total / _MICRO, squares / _MICRO)

    def judge(self, finding: AccountFinding) -> Evidence | None:
        """The finding's evidence after its cohort was heard; None: ordinary, or cannot say.

        Raises what the detector raises, and ContractError where it gives something else.
        """
        deviation, spread = finding.deviation, finding.spread or 0.0
        shift, extra = (
            (0.0, 0.0) if deviation is None else self._movement(finding.cohort, deviation)
        )
        beside = Beside(shift, extra, self.level(finding.cohort))
        told = self._detector.compare(finding.evidence, deviation, spread, beside)
        if told is None:
            return None
        return sound_evidence(told, self._detector.card, finding.evidence.window_end)

    def level(self, cohort: int) -> tuple[float, float] | None:
        """Mean and standard deviation of a cohort's daily log volume; None while it is unknown."""
        days, total, squares = self._levels.get(cohort, (0.0, 0.0, 0.0))
        if days < _ENOUGH:
            return None
        mean = total / days
        return mean, math.sqrt(max(squares / days - mean * mean, self._min_spread**2))

    def dump(self) -> list[Any]:
        """The state as plain numbers, in canonical order."""
        tables = (self._shifts, self._usual, self._levels)
        return [
            _STATE_VERSION,
            self._tick,
            *([[c, *row] for c, row in sorted(table.items())] for table in tables),
        ]

    def restore(self, plain: list[Any]) -> None:
        """Take over a dumped state; one of another version leaves the book as it is."""
        if not plain or plain[0] != _STATE_VERSION:
            return
        self._tick = int(plain[1])
        self._shifts = {int(c): (int(n), int(s), int(q)) for c, n, s, q in plain[2]}
        self._usual = {int(c): (float(w), float(s)) for c, w, s in plain[3]}
        self._levels = {int(c): (float(n), float(s), float(q)) for c, n, s, q in plain[4]}

    def _movement(self, cohort: int, own: float) -> tuple[float, float]:
        """How the others of the cohort moved up at this tick, and the variance that this adds.

        The account itself is left out, or it would explain itself; so is a fall, which is no reason
        to call an account odd that did not fall. A small cohort explains little.
        """
        count, total, squares = self._shifts.get(cohort, (0, 0, 0))
        others = count - 1
        if others < 2:
            return 0.0, 0.0
        mean = (total / _MICRO - own) / others
        variance = max((squares / _MICRO - own * own) / others - mean * mean, 0.0)
        shift = max(mean, 0.0) * others / (others + _SMALL)
        weight, usual = self._usual.get(cohort, (0.0, 0.0))
        # who takes up a launch and who does not: more spread than the cohort usually has
        beyond = max(variance - usual / weight, 0.0) if weight > 0.0 and shift > 0.0 else 0.0
        return shift, beyond * others / (others + _SMALL) + variance / others

    def _keep_usual(self) -> None:
        """Fold the spreads of the tick that is now over into what is usual, an hour at a time."""
        fade = self._fade / 24.0
        for cohort, (count, total, squares) in self._shifts.items():
            if count < _SMALL:
                continue
            mean = total / _MICRO / count
            variance = max(squares / _MICRO / count - mean * mean, 0.0)
            weight, usual = self._usual.get(cohort, (0.0, 0.0))
            self._usual[cohort] = ((1.0 - fade) * weight + 1.0, (1.0 - fade) * usual + variance)

    def _learn_level(self, cohort: int, count: int, total: float, squares: float) -> None:
        keep = 1.0 - self._fade
        days, sums, second = self._levels.get(cohort, (0.0, 0.0, 0.0))
        self._levels[cohort] = (keep * days + count, keep * sums + total, keep * second + squares)


def _added(before: tuple[int, int, int] | None, more: tuple[int, int, int]) -> tuple[int, int, int]:
    if before is None:
        return more
    return before[0] + more[0], before[1] + more[1], before[2] + more[2]


class CohortBook:
    """The cohorts of every detector that compares with them."""

    def __init__(self, detectors: Iterable[Described]) -> None:
        compared = [d for d in detectors if isinstance(d, Compared)]
        self._by_detector = {d.card.name: Cohorts(d) for d in compared}
        self._names = {d.card.tag: d.card.name for d in compared}

    def close(
        self, tick: int, sums: Iterable[CohortSum], findings: Iterable[AccountFinding]
    ) -> None:
        """Merge a tick's sums of all partitions, for each detector that says anything in it.

        Call it before `judge`, once per tick.
        """
        given: dict[str, list[CohortSum]] = {
            self._names[f.evidence.detector]: []
            for f in findings
            if f.evidence.detector in self._names
        }
        for one in sums:
            given.setdefault(one.detector, []).append(one)
        for name in given.keys() & self._by_detector.keys():
            self._by_detector[name].close(tick, given[name])

    def judge(self, finding: AccountFinding) -> Evidence | None:
        """The finding's evidence after its cohort was heard; as it is where its detector hears none."""
        name = self._names.get(finding.evidence.detector)
        if name is None or finding.spread is None:
            return finding.evidence
        return self._by_detector[name].judge(finding)

    def dump(self) -> dict[str, list[Any]]:
        """The state as plain numbers, by detector."""
        return {name: cohorts.dump() for name, cohorts in self._by_detector.items()}

    def restore(self, plain: dict[str, list[Any]]) -> None:
        """Take over a dumped state; a detector that was not there begins with nothing."""
        for name, cohorts in self._by_detector.items():
            if name in plain:
                cohorts.restore(plain[name])
