"""What a stage has done, for whoever watches: ticks and windows closed, seconds spent in its detector,
and how often that failed."""

from __future__ import annotations

from collections.abc import Callable

from detectors.judging.isolation import Aside


class Tally:
    """Counts that no decision reads. The core has no clock: the edge lends one, or seconds stay 0."""

    def __init__(self) -> None:
        self.clock: Callable[[], float] = _no_clock
        self.detector_seconds = 0.0
        self.aside = Aside()
        self.ticks = 0
        self.windows = {"minute": 0, "hour": 0, "day": 0}


def _no_clock() -> float:
    return 0.0
