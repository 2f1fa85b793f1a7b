"""Says that a detector raised, and for how many entities: as metrics, in the log and in /readyz.

The worker stays ready: a fleet that stopped for one record would be blind to all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import structlog

from detectors.judging.isolation import Isolation
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges
from streams.stage import Part, Stage

log = structlog.get_logger()

LOG_EVERY_S = 60.0
NOUNS = {"key": "shared value"}  # what a person calls an entity, where it has another name


class AsideGauge:
    """The failures of one detector of a stage in one partition."""

    def __init__(
        self,
        metrics: Metrics,
        show: PartitionGauges,
        stage: str,
        detector: str,
        isolation: Isolation,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._labels = detector, stage
        self._metrics = metrics
        self._show = show
        self._isolation = isolation
        self._clock = clock
        self._counted = isolation.times
        self._logged = self._counted, isolation.everywhere
        self._quiet_until = clock()

    def update(self, tick: int) -> None:
        """After a chunk: the stage has closed `tick`."""
        isolation = self._isolation
        if new := isolation.times - self._counted:
            self._counted = isolation.times
            self._metrics.set_aside.labels(*self._labels).inc(new)
        self._show.set(self._metrics.aside_entities, isolation.entities(tick), *self._labels)
        if isolation.times > self._logged[0] and self._clock() >= self._quiet_until:
            self._quiet_until = self._clock() + LOG_EVERY_S
            self._log()

    def _log(self) -> None:
        isolation, (detector, stage), (times, everywhere) = (
            self._isolation,
            self._labels,
            self._logged,
        )
        self._logged = isolation.times, isolation.everywhere
        if isolation.newest is None:
            return
        log.error(
            "a detector raised: those go without its evidence, everything else goes on",
            detector=detector,
            stage=stage,
            partition=self._show.label,
            tick=isolation.newest.tick,
            error=isolation.newest.error,
            times=isolation.times - times,
            raised_for_all=isolation.everywhere > everywhere,
        )


class Asides:
    """The failures of all detectors of a stage in one partition."""

    def __init__(self, metrics: Metrics, show: PartitionGauges, stage: str, part: Part) -> None:
        self._gauges = [
            AsideGauge(metrics, show, stage, name, isolation)
            for name, isolation in part.isolations().items()
        ]

    def update(self, tick: int) -> None:
        """After a chunk: the stage has closed `tick`."""
        for gauge in self._gauges:
            gauge.update(tick)


def notes(stages: Iterable[Stage]) -> dict[str, str]:
    """By detector, for how many entities it raised within a day of event time, in a worker's stages.

    Only such detectors are named. A stage has a `name`, and a `part` that tells its isolations.
    """
    found: dict[str, tuple[dict[str, int], str, bool]] = {}
    for stage in stages:
        for name, isolation in stage.part.isolations().items():
            count = isolation.entities(stage.part.closed)
            if not count or isolation.newest is None:
                continue
            counts, _, whole = found.get(name, ({}, "", False))
            kind = NOUNS.get(isolation.entity, isolation.entity)
            counts[kind] = counts.get(kind, 0) + count
            found[name] = counts, isolation.newest.error, whole or isolation.whole
    return {name: _sentence(*what) for name, what in sorted(found.items())}


def _sentence(counts: dict[str, int], error: str, whole: bool) -> str:
    entities = " and ".join(f"{n} {kind}{'s' if n > 1 else ''}" for kind, n in counts.items())
    all_of_them = "; in its last tick it raised for all: it is broken" if whole else ""
    return (
        f"raised {error} for {entities} within a day of event time; they go without its "
        f"evidence, everything else goes on{all_of_them}"
    )
