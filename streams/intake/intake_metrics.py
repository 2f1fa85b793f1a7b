"""Every series of the intake's /metrics. No label holds what a client may choose.

Labels are the formats that were configured, the reasons and properties that the code names, and partitions.
"""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

from streams.intake.outcome import NAMELESS, Outcome

# From a broker on the same machine to the longest that a request waits for one.
PRODUCE_UPPER_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LABELS_MOST = 200  # a label whose values a mapping names has no more of them than this
OTHER = "other"


class IntakeMetrics:
    """All series of one intake process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = self._counter("records", "Gateway records read, by format", "format")
        self.bytes = self._counter("bytes", "Bytes of bodies read, unpacked, by format", "format")
        self.events = self._counter("events", "Request events that the brokers have", "format")
        self.refused = self._counter(
            "refused", "Records that should have made an event and could not", "format", "reason"
        )
        self.passed_over = self._counter(
            "passed_over", "Records that make no event, and are not meant to", "format", "reason"
        )
        self.nameless = self._counter(
            "nameless", "Records passed over because they name no account", "format"
        )
        self.unusable = self._counter(
            "unusable_properties",
            "Optional properties that a record had and that were no valid value",
            "format",
            "property",
        )
        self.unknown_accounts = self._counter(
            "unknown_accounts", "Events whose account the directory does not know", "format"
        )
        self.answers = self._counter("answers", "HTTP requests answered, by status", "status")
        self.dead_letters = self._counter(
            "dead_letters", "Records of a topic told of in the dead-letter topic, without content"
        )
        self.produce_seconds = Histogram(
            "hydrawatch_intake_produce_seconds",
            "From handing events over until the brokers have them",
            registry=self.registry,
            buckets=PRODUCE_UPPER_S,
        )
        self.in_flight = self._gauge("in_flight_bytes", "Bytes that the brokers do not have yet")
        self.in_hand = self._gauge("in_hand_bytes", "Bytes of bodies that are being read")
        self.waits = self._gauge("broker_wait_seconds", "How long the oldest batch has waited")
        self.directory = self._gauge("directory_accounts", "Accounts that the directory knows")
        self.lag = self._gauge(
            "lag_records", "Records of the source topic that are not read yet", "topic", "partition"
        )
        self.ready = self._gauge("ready", "1 if it takes records")
        self._reasons: set[tuple[str, str]] = set()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def forms(self, formats: list[str]) -> None:
        """Show every format from the start: a rate over a series that does not exist is no data."""
        for name in formats:
            for series in (self.records, self.bytes, self.events, self.nameless):
                series.labels(name)

    def converted(self, name: str, size: int, outcome: Outcome) -> None:
        """Count a body of `size` bytes in a format and what became of it."""
        records = len(outcome.events) + len(outcome.refused) + outcome.passed_over.total()
        self.records.labels(name).inc(records)
        self.bytes.labels(name).inc(size)
        for refused in outcome.refused:
            self.refused.labels(name, self._bounded("refused", refused.reason)).inc()
        for reason, count in outcome.passed_over.items():
            self.passed_over.labels(name, self._bounded("passed_over", reason)).inc(count)
            if reason == NAMELESS:
                self.nameless.labels(name).inc(count)
        for known_by, count in outcome.unusable.items():
            self.unusable.labels(name, self._bounded("unusable", known_by)).inc(count)
        if outcome.unknown_accounts:
            self.unknown_accounts.labels(name).inc(outcome.unknown_accounts)

    def _bounded(self, series: str, value: str) -> str:
        if (series, value) not in self._reasons:
            if len(self._reasons) >= LABELS_MOST:
                return OTHER
            self._reasons.add((series, value))
        return value

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"hydrawatch_intake_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"hydrawatch_intake_{name}", text, labels, registry=self.registry)
