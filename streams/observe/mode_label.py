"""Whose series these are: a shadow worker's say so, in whatever it shows; a live worker's do not.

One Prometheus may scrape a trial beside the live fleet. A label of each series, not of the target,
so that the rules tell the two apart however they are scraped; and live series stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from detectors.contract.alert import Mode

# `mode` is taken: it tells alerts of a detector on trial from those of the same, live worker.
LABEL = "worker_mode"


def shown_as(mode: Mode, registry: Collector) -> Collector:
    """What a worker of this mode serves on /metrics: `registry`, a shadow's with `worker_mode`."""
    return _Marked(registry, mode) if mode == "shadow" else registry


class _Marked:
    def __init__(self, registry: Collector, mode: Mode) -> None:
        self._registry, self._mark = registry, {LABEL: mode}

    def collect(self) -> Iterator[Metric]:
        """Each family anew: some collectors hand out the same ones again and again."""
        for family in self._registry.collect():
            marked = Metric(family.name, family.documentation, family.type, family.unit)
            marked.samples = [
                sample._replace(labels={**sample.labels, **self._mark}) for sample in family.samples
            ]
            yield marked
