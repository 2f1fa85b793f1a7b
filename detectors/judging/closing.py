"""What a closing of windows is to a detector: when it is, what goes in, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from detectors.interface.detector import Evidence, Scores, Span, Windows
from detectors.judging.features import Closed, Feature

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


def windows_of(closed: Closed, at: Tick, features: Iterable[Feature]) -> Windows:
    """The closed windows as a detector is given them: the features of that span, worked out.

    To be read alone: other detectors are given the same rows and facts.
    """
    values = {f.name: _to_read(f.of(closed)) for f in features if f.span == at.span}
    facts = {name: _to_read(column) for name, column in closed.facts.items()}
    return Windows(at.span, at.start, at.end, at.complete, _to_read(closed.rows), values, facts)


def _to_read(column: NDArray[Any]) -> NDArray[Any]:
    view = column.view()
    view.flags.writeable = False
    return view
