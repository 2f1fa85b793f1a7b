"""How much of its work a stage has done: ticks, windows, and time in detectors, as metrics."""

from __future__ import annotations

import time

from detectors.judging.counters import Tally
from streams.observe.metrics import Metrics


class TallyGauge:
    """Ticks, windows and detector time of one stage."""

    def __init__(
        self, metrics: Metrics, stage: str, entity: str, detector: str, tally: Tally
    ) -> None:
        tally.clock = time.perf_counter
        self._metrics = metrics
        self._stage = stage
        self._entity = entity
        self._detector = detector
        self._tally = tally
        self._ticks = tally.ticks
        self._windows = dict(tally.windows)
        self._seconds = tally.detector_seconds

    def update(self) -> None:
        """Count what has been done since the last time."""
        self._metrics.ticks_closed.labels(self._stage).inc(self._tally.ticks - self._ticks)
        self._ticks = self._tally.ticks
        for span, count in self._tally.windows.items():
            if count > self._windows[span]:
                new = count - self._windows[span]
                self._metrics.windows_closed.labels(self._entity, span).inc(new)
                self._windows[span] = count
        seconds = self._tally.detector_seconds
        self._metrics.detector_seconds.labels(self._detector).inc(seconds - self._seconds)
        self._seconds = seconds
