"""How much of its work a stage has done: ticks, windows, and time in each detector, as metrics."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter

from detectors.judging.counters import StageCounters
from detectors.judging.host import Host
from streams.observe.metrics import Metrics


class Gained:
    """What counters (int64, n) have gained since they were last looked at; none at first."""

    def __init__(self, counters: NDArray[np.int64]) -> None:
        self._seen = counters.copy()

    def look(self, counters: NDArray[np.int64]) -> NDArray[np.int64]:
        """The gain of each (int64, n)."""
        before, self._seen = self._seen, counters.copy()
        gain: NDArray[np.int64] = self._seen - before
        return gain


def count_by(counter: Counter, gained: NDArray[np.int64], labels: Mapping[int, str]) -> None:
    """Count what was gained (int64, n), by the labels of its places."""
    for place, label in labels.items():
        if gained[place]:
            counter.labels(label).inc(int(gained[place]))


class DetectorGauges:
    """Time spent in the detectors of one host, and windows that they had no place for."""

    def __init__(self, metrics: Metrics, host: Host) -> None:
        host.clock = time.perf_counter
        self._metrics = metrics
        self._host = host
        self._seconds = {run.card.name: run.seconds for run in host.runs}
        self._refused = {run.card.name: run.refused for run in host.runs}
        for name in self._refused:
            metrics.unobserved.labels(name)

    def update(self) -> None:
        """Count what has been spent since the last time."""
        for run in self._host.runs:
            name = run.card.name
            self._metrics.detector_seconds.labels(name).inc(run.seconds - self._seconds[name])
            self._seconds[name] = run.seconds
            self._metrics.unobserved.labels(name).inc(run.refused - self._refused[name])
            self._refused[name] = run.refused


class CounterGauges:
    """Ticks, windows and detector time of one stage."""

    def __init__(
        self, metrics: Metrics, stage: str, entity: str, counts: StageCounters, host: Host
    ) -> None:
        self._metrics = metrics
        self._stage = stage
        self._entity = entity
        self._counts = counts
        self._detectors = DetectorGauges(metrics, host)
        self._ticks = counts.ticks
        self._windows = dict(counts.windows)

    def update(self) -> None:
        """Count what has been done since the last time."""
        self._metrics.ticks_closed.labels(self._stage).inc(self._counts.ticks - self._ticks)
        self._ticks = self._counts.ticks
        for span, count in self._counts.windows.items():
            if count > self._windows[span]:
                new = count - self._windows[span]
                self._metrics.windows_closed.labels(self._entity, span).inc(new)
                self._windows[span] = count
        self._detectors.update()
