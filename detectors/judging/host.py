"""Runs the detectors of one kind of entity over the windows that a stage has closed.

A stage closes windows and hands them over; what is made of them is the host's: which form of a detector
runs, with which memory, what happens where one raises, and what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.detector import (
    Card,
    Columnar,
    Context,
    Described,
    Detector,
    Entity,
    Evidence,
    Scores,
    Seen,
    Span,
    Window,
    Windows,
)
from detectors.judging.active import ActiveSet, Place
from detectors.judging.features import Closed, Feature, resolved
from detectors.judging.isolation import Isolation, error_of, of_the_detector
from detectors.judging.memory import Memory
from detectors.judging.soundness import sound_evidence, sound_scores

Clock = Callable[[], float]


class Tick(NamedTuple):
    """Of which windows a closing is: their span, their time (ms, end exclusive), whether they are whole."""

    tick: int
    span: Span
    start: int
    end: int
    complete: bool = True


class Finding(NamedTuple):
    """Evidence about the window at `place` of those closed.

    Where the detector compares with cohorts, `spread` is not None, and `deviation` is None for an
    account without a past.
    """

    place: int
    evidence: Evidence
    deviation: float | None = None
    spread: float | None = None


class Closing(NamedTuple):
    """What one detector made of a closing: findings by place, and all scores where it has columns."""

    findings: list[Finding]
    scores: Scores | None = None


class ColumnRun:
    """A detector that works on columns, with its memory of all entities."""

    def __init__(self, detector: Columnar, rows: int, *, peaks: bool, clock: Clock) -> None:
        self.detector = detector
        self.card: Card = detector.card
        self.isolation = Isolation(self.card.entity)
        self.seconds = 0.0
        self.memory = Memory(self.card, detector.memory, rows, peaks=peaks)
        self.features = resolved(self.card)
        self._peaks = peaks
        self._clock = clock

    def close(self, closed: Closed, at: Tick) -> Closing:
        """Have the detector score the windows, and learn from them."""
        started, before = self._clock(), self.isolation.times
        windows = _windows(closed, at, self.features)
        found: list[Finding] = []
        try:
            scores = sound_scores(
                self.detector.observe_columns(self.memory.table, windows), closed.rows.size
            )
        except BaseException as error:
            if not of_the_detector(error):
                raise
            self.isolation.raised(at.tick, closed.rows.tolist(), type(error).__name__)
            scores = Scores.silent(closed.rows.size)
        else:
            self._set_aside(scores, windows, closed, at.tick)
            kinds = closed.facts.get("kind")
            for place in np.flatnonzero(scores.odd).tolist():
                kind = -1 if kinds is None else int(kinds[place])
                one = self.isolation.attempt(
                    at.tick, int(closed.rows[place]), self._finding, scores, place, at.end, kind
                )
                if one is not None:
                    found.append(one)
                    self._keep_peak(int(closed.rows[place]), scores, place, at.end, kind)
        self.isolation.judged(closed.rows.size, before)
        self.seconds += self._clock() - started
        return Closing(found, scores)

    def strongest(self, _entity: int, row: int, kind: int) -> Evidence | None:
        """The strongest evidence of an entity, while its row is not emptied."""
        seen = self.memory.strongest(row, kind)
        return None if seen is None else self.detector.evidence(seen)

    def erase(self, _entities: Iterable[int], rows: NDArray[np.int64]) -> None:
        """Forget entities, by their rows."""
        self.memory.empty(rows)
        self.isolation.erase(rows.tolist())

    def tables(self, used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept."""
        return self.memory.tables(used)

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept."""
        self.memory.restore(tables)

    @property
    def nbytes(self) -> int:
        """Bytes that its memory may take."""
        return self.memory.nbytes

    def _finding(self, scores: Scores, place: int, end: int, kind: int) -> Finding:
        evidence = sound_evidence(
            self.detector.evidence(_seen(scores, place, end, kind)), self.card
        )
        if scores.spread is None or scores.deviation is None:
            return Finding(place, evidence)
        alone = np.isnan(scores.surprise[place])
        return Finding(
            place,
            evidence,
            None if alone else float(scores.deviation[place]),
            0.0 if alone else float(scores.spread[place]),
        )

    def _keep_peak(self, row: int, scores: Scores, place: int, end: int, kind: int) -> None:
        if self._peaks:
            self.memory.strengthen(row, _seen(scores, place, end, kind))

    def _set_aside(self, scores: Scores, windows: Windows, closed: Closed, tick: int) -> None:
        """Say for whom the detector's arithmetic raised, and what: compiled code does not tell."""
        failed = np.flatnonzero(scores.failed)
        if failed.size:
            error = error_of(self.detector.again, self.memory.table, windows, int(failed[0]))
            self.isolation.raised(tick, closed.rows[failed].tolist(), error)


class ObserveRun:
    """A detector that sees one window at a time, with its memory of the active entities."""

    def __init__(self, detector: Detector[Any], *, peaks: bool, clock: Clock) -> None:
        self.detector = detector
        self.card: Card = detector.card
        self.isolation = Isolation(self.card.entity)
        self.seconds = 0.0
        self.active = ActiveSet(detector)
        self.features = resolved(self.card)
        self._peaks = peaks
        self._clock = clock

    def close(self, closed: Closed, at: Tick) -> Closing:
        """Have the detector observe the windows of the active entities, in order of entity."""
        started, before = self._clock(), self.isolation.times
        weights = closed.column("requests")  # places in the active set go by them
        asked = np.flatnonzero(weights >= self.card.least)
        heard = [
            (int(asked[place]), seat)
            for place, seat in self.active.admit(closed.entities[asked], weights[asked], at.tick)
        ]
        mine = closed.some(np.array([place for place, _ in heard], np.int64))
        windows = _windows(mine, at, self.features)
        found: list[Finding] = []
        for position, (place, seat) in enumerate(heard):
            window, context = window_at(windows, position)
            told = self.isolation.attempt(
                at.tick, seat.entity, self._observe, seat, window, context
            )
            found += [Finding(place, evidence) for evidence in told or ()]
        self.isolation.judged(len(heard), before)
        self.seconds += self._clock() - started
        return Closing(found)

    def strongest(self, entity: int, _row: int, _kind: int) -> Evidence | None:
        """The strongest evidence of an entity, while it has a place."""
        return self.active.strongest(entity)

    def erase(self, entities: Iterable[int], _rows: NDArray[np.int64]) -> None:
        """Forget entities, by their fingerprints."""
        entities = list(entities)
        for entity in entities:
            self.active.drop(entity)
        self.isolation.erase(entities)

    def tables(self, _used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept."""
        return self.active.tables()

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept."""
        self.active.restore(dict(tables))

    @property
    def nbytes(self) -> int:
        """Bytes that its memory may take."""
        return self.active.nbytes

    def _observe(self, seat: Place, window: Window, context: Context) -> tuple[Evidence, ...]:
        try:
            told = self.detector.observe(self.active.memory(seat), window, context)
            sound = tuple(sound_evidence(evidence, self.card) for evidence in told or ())
            self.active.keep(seat)
        except BaseException:
            self.active.roll_back(seat)
            raise
        if self._peaks:
            for evidence in sound:
                self.active.strengthen(seat, evidence)
        return sound


Run = ColumnRun | ObserveRun


class Host:
    """The detectors of one kind of entity in one partition.

    `rows` is how many entities the stage's table holds; `peaks` asks to keep each one's strongest
    evidence (`strongest`).
    """

    def __init__(
        self,
        detectors: Iterable[Described],
        entity: Entity,
        rows: int = 0,
        *,
        peaks: bool = False,
    ) -> None:
        self.clock: Clock = _no_clock
        self.entity = entity
        self.runs: tuple[Run, ...] = tuple(
            self._run(d, rows, peaks) for d in detectors if d.card.entity == entity
        )

    def _run(self, detector: Described, rows: int, peaks: bool) -> Run:
        if isinstance(detector, Columnar) and rows:
            return ColumnRun(detector, rows, peaks=peaks, clock=self._now)
        if isinstance(detector, Detector) and detector.card.active:
            return ObserveRun(detector, peaks=peaks, clock=self._now)
        raise ContractError(
            f"detector {detector.card.name}: a detector of a {self.entity} needs "
            + ("`observe_columns`, or " if rows else "")
            + "`observe` and `active` on its card"
        )

    def _now(self) -> float:
        return self.clock()

    def isolations(self) -> dict[str, Isolation]:
        """What each detector raised for, by its name."""
        return {run.card.name: run.isolation for run in self.runs}

    def spans(self) -> frozenset[Span]:
        """The spans of which any detector reads a feature."""
        return frozenset(f.span for run in self.runs for f in run.features)

    def close(self, closed: Closed, at: Tick) -> list[tuple[Run, Closing]]:
        """Have every detector that reads windows of this span look at those that closed."""
        return [
            (run, run.close(closed, at))
            for run in self.runs
            if any(f.span == at.span for f in run.features)
        ]

    def evidence(self, entity: int, row: int, kind: int, tick: int) -> tuple[Evidence, ...]:
        """The strongest evidence of each detector about an entity."""
        found = (
            run.isolation.attempt(tick, row, run.strongest, entity, row, kind) for run in self.runs
        )
        return tuple(e for e in found if e is not None)

    def erase(self, entities: Sequence[int], rows: NDArray[np.int64]) -> None:
        """Forget entities: fingerprints, and their rows (int64)."""
        for run in self.runs:
            run.erase(entities, rows)

    def tables(self, used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept of all memories; `used` rows of the stage's table are in use."""
        return {name: t for run in self.runs for name, t in run.tables(used).items()}

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept; memories that are not there stay empty."""
        for run in self.runs:
            run.restore(tables)

    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes that the memories may take, by detector."""
        return {f"memory of {run.card.name}": run.nbytes for run in self.runs if run.nbytes}


def window_at(windows: Windows, place: int) -> tuple[Window, Context]:
    """One window of many as `observe` sees it; what is not known (nan) is left out."""
    values = {n: float(c[place]) for n, c in windows.values.items() if not np.isnan(c[place])}
    facts = {n: float(c[place]) for n, c in windows.facts.items() if not np.isnan(c[place])}
    return Window(windows.start, windows.end, values, windows.complete), Context(facts)


def _windows(closed: Closed, at: Tick, features: Iterable[Feature]) -> Windows:
    values = {f.name: f.of(closed) for f in features if f.span == at.span}
    return Windows(at.span, at.start, at.end, at.complete, closed.rows, values, closed.facts)


def _seen(scores: Scores, place: int, end: int, kind: int) -> Seen:
    surprise = float(scores.surprise[place])
    return Seen(
        float(scores.observed[place]),
        float(scores.expected[place]),
        0.0 if np.isnan(surprise) else surprise,
        end,
        kind,
    )


def _no_clock() -> float:
    return 0.0
