"""Runs the detectors of one kind of entity over the windows that a stage has closed.

A stage closes windows and hands them over; what is made of them is the host's: which form of a detector
runs, with which memory, what happens where one raises, and what that costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.detector import Columnar, Described, Detector, Entity, Evidence, Span
from detectors.judging.closing import Clock, Closing, Tick
from detectors.judging.column_run import ColumnRun
from detectors.judging.features import Closed
from detectors.judging.isolation import Isolation
from detectors.judging.observe_run import ObserveRun

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
        found = (run.strongest(tick, entity, row, kind) for run in self.runs)
        return tuple(e for e in found if e is not None)

    def erase(self, entities: Sequence[int], rows: NDArray[np.int64]) -> None:
        """Forget entities: their fingerprints, and their rows (int64, n)."""
        for run in self.runs:
            run.erase(entities, rows)

    def tables(self, used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept of all memories, tables of rows; `used` rows of the stage's are in use."""
        return {name: t for run in self.runs for name, t in run.tables(used).items()}

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept, bytes (uint8) by table; memories that are not there stay empty."""
        for run in self.runs:
            run.restore(tables)

    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes that the memories may take, by detector."""
        return {f"memory of {run.card.name}": run.nbytes for run in self.runs if run.nbytes}


def _no_clock() -> float:
    return 0.0
