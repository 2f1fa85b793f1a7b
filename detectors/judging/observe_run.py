"""Runs a detector that sees one window at a time, for the entities that are active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.interface.detector import Card, Context, Detector, Evidence, Window, Windows
from detectors.judging.active import ActiveSet, Place
from detectors.judging.closing import Clock, Closing, Finding, Tick, windows_of
from detectors.judging.features import Closed, resolved
from detectors.judging.isolation import Isolation
from detectors.judging.soundness import sound_evidence


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
        windows = windows_of(mine, at, self.features)
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

    def strongest(self, tick: int, entity: int, _row: int, _kind: int) -> Evidence | None:
        """The strongest evidence of an entity, while it has a place."""
        return self.isolation.attempt(tick, entity, self.active.strongest, entity)

    def erase(self, entities: Iterable[int], _rows: NDArray[np.int64]) -> None:
        """Forget entities, by their fingerprints; their rows (int64, n) say nothing here."""
        entities = list(entities)
        for entity in entities:
            self.active.drop(entity)
        self.isolation.erase(entities)

    def tables(self, _used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept: tables of rows, by name."""
        return self.active.tables()

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept: bytes (uint8) by the table's name."""
        self.active.restore(dict(tables))

    @property
    def refused(self) -> int:
        """Windows of entities that had no place."""
        return self.active.refused

    @property
    def nbytes(self) -> int:
        """Bytes that its memory may take."""
        return self.active.nbytes

    def _observe(self, seat: Place, window: Window, context: Context) -> tuple[Evidence, ...]:
        try:
            told = self.detector.observe(self.active.memory(seat), window, context)
            sound = tuple(
                sound_evidence(evidence, self.card, window.end) for evidence in told or ()
            )
            self.active.keep(seat)
        except BaseException:
            self.active.roll_back(seat)
            raise
        if self._peaks:
            for evidence in sound:
                self.active.strengthen(seat, evidence)
        return sound


def window_at(windows: Windows, place: int) -> tuple[Window, Context]:
    """One window of many as `observe` sees it; what is not known (nan) is left out."""
    values = {n: float(c[place]) for n, c in windows.values.items() if not np.isnan(c[place])}
    facts = {n: float(c[place]) for n, c in windows.facts.items() if not np.isnan(c[place])}
    return Window(windows.start, windows.end, values, windows.complete), Context(facts)
