"""The gauges of a partition, which must go with it: two workers would show it otherwise."""

from __future__ import annotations

import time

from prometheus_client import Gauge

from streams.observe.metrics import Metrics


class PartitionGauges:
    """The gauges of one partition: what is set through here goes when the partition moves away."""

    def __init__(self, metrics: Metrics, topic: str, partition: int) -> None:
        self.label = str(partition)
        self._lag = metrics.lag_records
        self._undecided = metrics.undecided
        self._topic = topic
        self._held: set[tuple[Gauge, tuple[str, ...]]] = set()
        self._gone = False

    def set(self, gauge: Gauge, value: float, *labels: str) -> None:
        """Set a gauge, with the partition as its last label."""
        if not self._gone:  # a task that outlives the assignment must not bring them back
            gauge.labels(*labels, self.label).set(value)
            self._held.add((gauge, labels))

    def lag(self, records: int, undecided: int = 0) -> None:
        """So many records are in the topic that were not read, and so many that cannot be read yet."""
        self.set(self._lag, records, self._topic)
        self.set(self._undecided, undecided, self._topic)

    def delay(self, gauge: Gauge, time_ms: int, *labels: str) -> None:
        """Set a gauge to the clock minus a time; negative where that is yet to come, for that is wrong."""
        self.set(gauge, time.time() - time_ms / 1000, *labels)

    def release(self) -> None:
        """The partition moved away: its new owner reports it."""
        self._gone = True
        for gauge, labels in self._held:
            gauge.remove(*labels, self.label)
        self._held.clear()
