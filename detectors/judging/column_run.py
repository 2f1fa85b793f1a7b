"""Runs a detector that works on columns: all windows that close at once, with its memory of all entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.interface.detector import Card, Columnar, Evidence, Scores, Seen, Windows
from detectors.judging.closing import Clock, Closing, Finding, Tick, windows_of
from detectors.judging.features import Closed, resolved
from detectors.judging.isolation import Isolation, error_of, of_the_detector
from detectors.judging.memory import Memory
from detectors.judging.soundness import beyond, sound_evidence, sound_scores, without


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
        windows = windows_of(closed, at, self.features)
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
            scores = self._without_beyond(scores, closed, at.tick)
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

    def strongest(self, tick: int, _entity: int, row: int, kind: int) -> Evidence | None:
        """The strongest evidence of an entity, while its row is not emptied."""
        seen = self.memory.strongest(row, kind)
        return None if seen is None else self.isolation.attempt(tick, row, self._evidence, seen)

    def erase(self, _entities: Iterable[int], rows: NDArray[np.int64]) -> None:
        """Forget entities, by their rows (int64, n)."""
        self.memory.empty(rows)
        self.isolation.erase(rows.tolist())

    def tables(self, used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept: the first `used` rows of each table, by its name."""
        return self.memory.tables(used)

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept: bytes (uint8) by the table's name."""
        self.memory.restore(tables)

    @property
    def refused(self) -> int:
        """Windows that it had no place for: none, every entity has a row."""
        return 0

    @property
    def nbytes(self) -> int:
        """Bytes that its memory may take."""
        return self.memory.nbytes

    def _finding(self, scores: Scores, place: int, end: int, kind: int) -> Finding:
        evidence = self._evidence(_seen(scores, place, end, kind))
        if scores.spread is None or scores.deviation is None:
            return Finding(place, evidence)
        alone = any(
            np.isnan(column[place]) for column in (scores.surprise, scores.deviation, scores.spread)
        )
        return Finding(
            place,
            evidence,
            None if alone else float(scores.deviation[place]),
            0.0 if alone else float(scores.spread[place]),
        )

    def _evidence(self, seen: Seen) -> Evidence:
        return sound_evidence(self.detector.evidence(seen), self.card, seen.end)

    def _keep_peak(self, row: int, scores: Scores, place: int, end: int, kind: int) -> None:
        if self._peaks:
            self.memory.strengthen(row, _seen(scores, place, end, kind))

    def _set_aside(self, scores: Scores, windows: Windows, closed: Closed, tick: int) -> None:
        """Say for whom the detector's arithmetic raised, and what: compiled code does not tell."""
        failed = np.flatnonzero(scores.failed)
        if failed.size:
            error = error_of(self.detector.again, self.memory.table, windows, int(failed[0]))
            self.isolation.raised(tick, closed.rows[failed].tolist(), error)

    def _without_beyond(self, scores: Scores, closed: Closed, tick: int) -> Scores:
        """The scores without those that no cohort's sum could hold."""
        places = beyond(scores)
        if not places.any():
            return scores
        self.isolation.raised(tick, closed.rows[places & ~scores.failed].tolist(), "ContractError")
        return without(scores, places)


def _seen(scores: Scores, place: int, end: int, kind: int) -> Seen:
    surprise = float(scores.surprise[place])
    return Seen(
        float(scores.observed[place]),
        float(scores.expected[place]),
        0.0 if np.isnan(surprise) else surprise,
        end,
        kind,
    )
