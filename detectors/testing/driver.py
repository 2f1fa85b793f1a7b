"""Drives a detector through the host, as a stage does: what is checked is what runs.

Each scenario is an entity, and its windows close in a `Host` of their own. This room is above `judging`
for that reason, and nothing that runs knows of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS
from detectors.interface.detector import (
    Beside,
    Card,
    Columnar,
    Compared,
    Context,
    Described,
    Detector,
    Evidence,
    Span,
)
from detectors.judging.closing import Closing, Finding, Tick
from detectors.judging.features import Closed, Feature
from detectors.judging.host import Host
from detectors.testing.listeners import InColumns, Observed
from detectors.testing.scenarios import Outcome, Scenario, facts_of

Form = Literal["columns", "observe"]
SPANS: dict[Span, int] = {
    "minute": MINUTE_MS,
    "hour": HOUR_MS,
    "day": DAY_MS,
}  # in order of closing


def forms(detector: Described) -> tuple[Form, ...]:
    """The forms that a detector has; the host runs the first."""
    columns: tuple[Form, ...] = ("columns",) if isinstance(detector, Columnar) else ()
    return (*columns, "observe") if isinstance(detector, Detector) else columns


def run(detector: Described, scenario: Scenario, form: Form | None = None) -> list[Outcome]:
    """What a detector says to each window of a scenario, from fresh memory.

    In the form that the host runs, or another. Raises what the detector raises.
    """
    driver = Driver(detector, form or forms(detector)[0], (scenario,))
    driver.drive()
    return driver.said[0]


class Batch(NamedTuple):
    """Windows that close at once, by scenario and place in it."""

    at: Tick
    windows: tuple[tuple[int, int], ...]


class Driver:
    """A host with one detector in one of its forms; `said` is by scenario and window.

    `also` are names of values that windows hold beside those that the card reads.
    """

    def __init__(
        self,
        detector: Described,
        form: Form,
        scenarios: Sequence[Scenario],
        also: Iterable[str] = (),
        card: Card | None = None,
    ) -> None:
        self.detector = detector
        self.scenarios = scenarios
        self.listener = _listener(detector, form, card or detector.card, len(scenarios))
        self.said: list[list[Outcome]] = [[None] * len(s.windows) for s in scenarios]
        mine = self.listener.card
        self.host = Host((self.listener,), mine.entity, len(scenarios), peaks=mine.entity == "key")
        (self._run,) = self.host.runs
        known = self._run.features
        self._run.features = (
            *(_by_name(f) for f in known),
            *(_by_name(f._replace(name=n)) for n in also for f in _one_a_span(known)),
        )
        self._spans = {f.name: f.span for f in known}

    def drive(self) -> None:
        """Close all windows, in order of time."""
        for batch in self.batches():
            self.close(batch)

    def batches(self) -> Iterator[Batch]:
        """What closes, in order of time; of one window the shorter spans first."""
        order = list(SPANS)
        due = sorted(
            (w.end, place, order.index(span), w.complete, number)
            for number, s in enumerate(self.scenarios)
            for place, w in enumerate(s.windows)
            for span in {self._spans[n] for n in w.values if n in self._spans}
        )
        for (end, place, span_at, complete), some in groupby(due, lambda d: d[:4]):
            span = order[span_at]
            at = Tick(end // MINUTE_MS - 1, span, end - SPANS[span], end, complete)
            yield Batch(at, tuple((d[4], place) for d in some))

    def close(self, batch: Batch) -> None:
        """Have the host close some windows. Raises what the detector raises."""
        closed = self._closed(batch)
        heard = len(self.listener.told) if isinstance(self.listener, Observed) else 0
        for _, closing in self.host.close(closed, batch.at):
            if self._run.isolation.times:
                raise self.listener.notes.error or ContractError(str(self._run.isolation.newest))
            if isinstance(self.listener, Observed):
                told = self.listener.told[heard:]
            else:
                told = self._outcomes(batch, closing)
            for (number, place), said in zip(batch.windows, told, strict=True):
                before = self.said[number][place]
                if said is not None:
                    self.said[number][place] = (*(before or ()), *said)

    def restarted(self) -> Driver:
        """Another that goes on from this one's kept tables."""
        fresh = Driver(self.detector, self.form, self.scenarios, card=self.listener.card)
        fresh.said = self.said
        fresh.host.restore(self.kept())
        return fresh

    @property
    def form(self) -> Form:
        """The form that it runs."""
        return "observe" if isinstance(self.listener, Observed) else "columns"

    def kept(self) -> dict[str, NDArray[np.uint8]]:
        """The memories as a checkpoint has them: bytes (uint8), by table."""
        tables = self.host.tables(len(self.scenarios))
        return {n: np.frombuffer(t.tobytes(), np.uint8).copy() for n, t in tables.items()}

    def _closed(self, batch: Batch) -> Closed:
        numbers = np.array([number for number, _ in batch.windows], np.int64)
        mine = [
            (self.scenarios[n].windows[p], self.scenarios[n].contexts[p]) for n, p in batch.windows
        ]
        names = {f.name for f in self._run.features}
        values = {n: _column(n, [w.values for w, _ in mine]) for n in names}
        facts = {n for s in self.scenarios for n in facts_of(s)}
        return Closed(
            entities=numbers.astype(np.uint64) + np.uint64(1),
            rows=numbers,
            windows=np.zeros(0),
            at=numbers,
            more={**values, "requests": np.ones(numbers.size)},
            facts={n: _column(n, [c.facts for _, c in mine]) for n in facts},
        )

    def _outcomes(self, batch: Batch, closing: Closing) -> list[Outcome]:
        assert closing.scores is not None
        alone = np.isnan(closing.scores.surprise)
        found: dict[int, list[Finding]] = {}
        for finding in closing.findings:
            found.setdefault(finding.place, []).append(finding)
        told: list[Outcome] = []
        for at, (number, place) in enumerate(batch.windows):
            beside = _beside(self.detector, self.scenarios[number].contexts[place])
            if alone[at] and (beside is None or beside.level is None):
                told.append(None)
            else:
                heard = (_compared(self.detector, f, beside) for f in found.get(at, ()))
                told.append(tuple(e for e in heard if e is not None))
        return told


def _listener(detector: Described, form: Form, card: Card, entities: int) -> Observed | InColumns:
    if form == "columns":
        assert isinstance(detector, Columnar)
        return InColumns(detector, card)
    assert isinstance(detector, Detector)
    return Observed(detector, msgspec.structs.replace(card, active=entities, least=0))


def _by_name(feature: Feature) -> Feature:
    """The feature as scenarios give it: by its name, worked out already."""
    return feature._replace(of=lambda closed: closed.column(feature.name))


def _one_a_span(features: Iterable[Feature]) -> Iterable[Feature]:
    return {f.span: f for f in features}.values()


def _column(name: str, rows: Iterable[Mapping[str, float]]) -> NDArray[np.float64]:
    return np.array([row.get(name, math.nan) for row in rows], np.float64)


def _beside(detector: Described, context: Context) -> Beside | None:
    """What the owner would know of the cohort, from the facts that `observe` is given; None: no cohorts."""
    if not isinstance(detector, Compared):
        return None
    facts = {name: value for name, value in context.facts.items() if not math.isnan(value)}
    level, wide = facts.get("cohort_level"), facts.get("cohort_level_spread")
    return Beside(
        max(facts.get("cohort_shift", 0.0), 0.0),
        facts.get("cohort_spread", 0.0) ** 2,
        None if level is None or wide is None else (level, max(wide, detector.cohort_min_spread)),
    )


def _compared(detector: Described, finding: Finding, beside: Beside | None) -> Evidence | None:
    """The evidence after the cohort was heard, where the detector compares with it."""
    if beside is None or finding.spread is None or not isinstance(detector, Compared):
        return finding.evidence
    return detector.compare(finding.evidence, finding.deviation, finding.spread, beside)
