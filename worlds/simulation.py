"""A world as it runs: slices of records in order of arrival, in constant memory, open to feedback.

Days are planned one after another (who sends when); what a request carries is drawn and written
only when its slice is due, so an attacker that adapts to what was told changes what comes next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from worlds.clock import DAY_MS, HOUR_MS
from worlds.compose import Cast, compose, controls
from worlds.delivery import Lost, delivered
from worlds.draw import Requests, requests
from worlds.feedback import Feedback
from worlds.plan import PLANNED, Planned, day_plan
from worlds.spec import WorldSpec
from worlds.truth import Ledger
from worlds.write import Lines, LineWriter


class Simulation:
    """The world of a spec and a seed, ending at `end_ms` (ms since epoch); can be run once.

    The same arguments give the same bytes, whatever the length of the slices; with feedback, the
    same feedback after the same slices does.
    """

    def __init__(self, spec: WorldSpec, seed: int, end_ms: int, *, slice_ms: int = HOUR_MS) -> None:
        self.spec = spec
        self.seed = seed
        self.cast: Cast = compose(spec, seed, end_ms)
        self.start_ms, self.end_ms = self.cast.period
        self._slice_ms = slice_ms
        self._lost = Lost()
        self._ledger = Ledger(self.cast)
        self._feedback = Feedback(self.cast)
        self._writer: LineWriter | None = None

    def slices(self) -> Iterator[Lines]:
        """Give all records, a slice of arrival time after another; empty slices are left out."""
        for rows in self.rows():
            yield self.lines(rows)

    def rows(self) -> Iterator[Requests]:
        """Give the slices of `slices` as columns, before they are written."""
        for planned in self._due():
            drawn = requests(self.cast.actors, self._feedback.still_sent(planned))
            if len(drawn):
                self._ledger.add(drawn)
                yield drawn

    def lines(self, rows: Requests) -> Lines:
        """Write columns as records."""
        if self._writer is None:
            places = self.cast.ground.places.fragments()
            self._writer = LineWriter(self.cast.actors, self.cast.names, places)
        return self._writer.lines(rows)

    def tell(self, alerts: Iterable[Mapping[str, Any]]) -> None:
        """Let attackers that adapt see alert records (contract v1): from the next slice on they react."""
        self._feedback.tell(alerts)

    def controls(self) -> list[dict[str, Any]]:
        """Give the control events (contract v1) that go with this world, by time."""
        return controls(self.cast)

    def truth(self) -> dict[str, Any]:
        """Say who is who and what happened, as far as the world has run: see `worlds.truth`."""
        return self._ledger.truth(self.spec.preset, self.seed, self._lost.events)

    def _due(self) -> Iterator[Planned]:
        """Give planned requests by slices of arrival, in order of arrival."""
        cast, period = self.cast, self.cast.period
        most_ahead = int(cast.ground.calendar.offset.max())
        waiting = np.zeros(0, dtype=PLANNED)
        slice_end = period.start + self._slice_ms
        for day in range(cast.ground.calendar.first_day, period.end // DAY_MS + 2):
            planned = day_plan(cast.actors, day, cast.ground.calendar, period)
            arrived = delivered(planned, cast.delivery, self._lost, period.end)
            waiting = np.concatenate([waiting, arrived])
            waiting = waiting[np.argsort(waiting["ingest"], kind="stable")]
            # nothing that is planned later can arrive before this
            settled = (day + 1) * DAY_MS - most_ahead
            while slice_end <= settled and slice_end < period.end + self._slice_ms:
                cut = int(np.searchsorted(waiting["ingest"], slice_end))
                yield waiting[:cut]
                waiting = waiting[cut:]
                slice_end += self._slice_ms
        yield waiting


def count(spec: WorldSpec, seed: int, end_ms: int) -> int:
    """Give the number of records of a world, by planning all of it; takes a tenth of writing it."""
    world = Simulation(spec, seed, end_ms)
    return sum(len(planned) for planned in world._due())
