"""Every series of /metrics in one place: names by the Prometheus guide, base units, bounded labels.

No label ever holds an account, an organisation, a key or a template: their number is the attacker's
to choose. Labels are enumerations of the code, property names of the contract, and partitions.
"""

from __future__ import annotations

import platform

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
)

NAMESPACE = "hydrawatch"

# "refused": read, but there was no room for its account or its minute (see `evictions`).
OUTCOMES = ("accepted", "duplicate", "late", "rejected", "refused")
# From a chunk of a few records to a full one that closes ticks for a million accounts.
BATCH_UPPER_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All series of one process, in a registry of its own (tests and the demo may hold several)."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        # Events in. Every record read ends in exactly one outcome.
        self.events = self._counter("events", "Records read, by what became of them", "outcome")
        for outcome in OUTCOMES:
            self.events.labels(outcome)  # a rate over a series that does not exist yet is no data
        self.unknown_properties = self._counter(
            "unknown_properties",
            "Properties that were null, empty or not valid, so taken as not known",
            "property",
        )
        self.unusable_properties = self._counter(
            "unusable_properties",
            "Optional properties that were given, but no valid or possible value, so not known",
            "property",
        )
        self.reused_ids = self._counter(
            "reused_ids",
            "Events counted whose account sent their id before, with other content",
        )
        self.unknown_usage = self._counter(
            "unknown_usage", "Requests counted whose tokens are not: usage is not known"
        )
        self.dead_letters = self._counter(
            "dead_letters", "Records sent to the dead-letter topic", "reason", "stage"
        )
        self.dead_letters_cut = self._counter(
            "dead_letters_cut", "Dead letters cut to their head: the topic takes no more"
        )
        self.dedupe_overflow = self._counter(
            "dedupe_overflow",
            "Event ids forgotten before the lateness horizon because the memory for them is full",
        )
        self.late_events = self._counter(
            "late_events", "Events behind the watermark, by how far (upper bound)", "by"
        )
        self.misplaced = self._counter(
            "misplaced_events",
            "Events of accounts that Kafka's default partitioner sends to another partition",
        )
        self.misplaced_share = self._gauge(
            "misplaced_share", "Part of the last events that belongs elsewhere", "partition"
        )
        self.late_share = self._gauge(
            "late_share", "Share of late events among the last few thousand read", "partition"
        )
        self.ahead_events = self._counter(
            "ahead_events",
            "Events counted that lie minutes to days ahead of what other accounts say: no watermark moves",
        )
        # How far behind; negative where event time is ahead of the clock.
        self.lag_records = self._gauge(
            "lag_records", "Records in the topic that were not read yet", "topic", "partition"
        )
        self.event_lag = self._gauge(
            "event_lag_seconds", "Clock minus the event time that was reached", "partition"
        )
        self.watermark_delay = self._gauge(
            "watermark_delay_seconds", "Clock minus watermark", "stage", "partition"
        )
        self.last_event = self._gauge(
            "last_event_timestamp_seconds", "The event time that was reached", "partition"
        )
        self.partitions_assigned = self._gauge(
            "partitions_assigned", "Partitions this worker owns", "topic"
        )
        self.partitions = self._gauge("partitions", "Partitions that some worker must own", "topic")
        self.rebalances = self._counter(
            "rebalances", "Times that partitions were assigned to this worker, the first included"
        )
        self.held_back = self._gauge(
            "held_back_partitions", "Partitions not read on because others are behind in event time"
        )
        self.stalled = self._gauge(
            "stalled_seconds",
            "Time that a partition has not moved though it has something to do",
            "topic",
            "partition",
        )
        self.stalls = self._counter(
            "stalls", "Times that a partition stood still for HYDRAWATCH_STALL_S", "topic"
        )
        self.deaf = self._gauge(
            "deaf_seconds",
            "Time that a client has got nothing, or nothing of it was taken, though brokers serve others",
            "client",
        )
        self.renewals = self._counter(
            "connections_renewed",
            "Times that a client's connections were made anew for that",
            "client",
        )
        self.undelivered = self._gauge(
            "undelivered_seconds",
            "Time that the oldest record written to a topic has waited for the brokers to take it",
            "topic",
        )
        self.broker_silent = self._gauge(
            "broker_silent", "1 where no broker has answered the last look at the topics"
        )
        self.topic_problems = self._gauge(
            "topic_problems", "Topics that are missing or not as they must be"
        )
        self.leaderless = self._gauge(
            "leaderless_partitions", "Partitions that no broker leads", "topic"
        )
        self.under_min_isr = self._gauge(
            "under_min_isr_partitions",
            "Partitions with fewer replicas in sync than writes need",
            "topic",
        )
        self.lost_records = self._counter(
            "lost_records",
            "Records that the broker deleted before they were read, by offsets",
            "topic",
        )
        self.lately_lost = self._gauge(
            "lately_lost_records",
            "Records that were deleted unread within a day of event time",
            "topic",
            "partition",
        )
        self.undecided = self._gauge(
            "undecided_records",
            "Records behind an open transaction, which cannot be read before it ends",
            "topic",
            "partition",
        )
        # Work done.
        self.batch = Histogram(
            "batch_seconds",
            "Time to process one chunk of records",
            ["stage"],
            namespace=NAMESPACE,
            buckets=BATCH_UPPER_S,
            registry=self.registry,
        )
        self.ticks_closed = self._counter("ticks_closed", "Minutes of event time closed", "stage")
        self.windows_closed = self._counter("windows_closed", "Windows closed", "entity", "span")
        self.handover_records = self._counter(
            "handover_records", "Records handed to another stage", "topic"
        )
        self.handover_bytes = self._counter(
            "handover_bytes", "Bytes handed to another stage", "topic"
        )
        self.control_events = self._counter(
            "control_events", "Control events read, by what became of them", "kind", "outcome"
        )
        self.foreign_records = self._gauge(
            "foreign_records", "Records on the topic that are none of ours, when last read", "topic"
        )
        # State.
        self.entities = self._gauge("entities", "Entities held in state", "kind", "partition")
        self.state_bytes = self._gauge("state_bytes", "Bytes of state in use", "kind", "partition")
        self.evictions = self._counter(
            "evictions", "Entities forgotten before their time because a budget was full", "kind"
        )
        self.expired = self._counter(
            "expired", "Entities forgotten after a silence as long as their expiry", "kind"
        )
        self.largest_campaign = self._gauge(
            "largest_campaign_accounts", "Accounts in the largest campaign", "partition"
        )
        self.snapshots = self._counter("snapshots", "States kept at the broker", "stage")
        self.snapshot_failures = self._counter(
            "snapshot_failures", "Times that a state could not be kept", "stage"
        )
        self.snapshot_bytes = self._counter(
            "snapshot_bytes", "Bytes of state sent to the broker, compressed", "stage"
        )
        self.snapshot_cpu = self._counter(
            "snapshot_cpu_seconds", "Processor time spent on taking and packing states", "stage"
        )
        self.snapshot_seconds = Histogram(
            "snapshot_seconds",
            "Time from taking a state to having it kept",
            ["stage"],
            namespace=NAMESPACE,
            buckets=BATCH_UPPER_S,
            registry=self.registry,
        )
        self.snapshot_time = self._gauge(
            "snapshot_timestamp_seconds", "When the state was kept last", "stage", "partition"
        )
        self.snapshot_age = self._gauge(
            "snapshot_age_seconds",
            "Time since the state was kept, 0 where nothing has come since",
            "stage",
            "partition",
        )
        self.state_log_bytes = self._gauge(
            "state_log_bytes", "Bytes at the broker that hold the state", "stage", "partition"
        )
        self.state_not_deleted = self._gauge(
            "state_not_deleted",
            "1 where the broker did not delete old state when last asked: its topic grows",
        )
        self.recovery_seconds = self._counter(
            "recovery_seconds", "Time spent reading state back", "stage"
        )
        self.recovery_bytes = self._gauge(
            "recovery_bytes", "Bytes of state read back so far, in the recovery under way"
        )
        # Detection.
        self.detector_seconds = self._counter(
            "detector_seconds", "Time spent in a detector", "detector"
        )
        self.unobserved = self._counter(
            "unobserved_windows",
            "Windows that a detector did not look at: busier entities had all its places",
            "detector",
        )
        self.set_aside = self._counter(
            "set_aside",
            "Judgements that a detector raised for: those entities go without its evidence",
            "detector",
            "stage",
        )
        self.aside_entities = self._gauge(
            "set_aside_entities",
            "Entities that a detector raised for within a day of event time, up to 1,000",
            "detector",
            "stage",
            "partition",
        )
        self.evidence = self._counter("evidence", "Pieces of evidence", "detector", "family")
        self.alerts = self._counter(
            "alerts", "Alert records sent", "kind", "severity", "action", "state", "mode"
        )
        self.advice_capped = self._counter(
            "advice_capped",
            "Alerts kept below what their evidence allows: the budget was spent",
            "mode",
        )
        self.advice_left = self._gauge(
            "advice_left",
            "New advice that the budget of the hour of event time still allows",
            "mode",
            "partition",
        )
        self.input_outage = self._counter(
            "input_outage_seconds",
            "Event time of the hours in which a partition's input had a hole",
        )
        self.forgotten = self._counter("forgotten", "Accounts erased on request")
        # The process.
        self.ready = self._gauge("ready", "1 while /readyz says that all is well")
        self._build = Info(
            "build", "Version of hydrawatch", namespace=NAMESPACE, registry=self.registry
        )
        self._config = Info(
            "config", "Digest of detectors.toml", namespace=NAMESPACE, registry=self.registry
        )
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def describe(self, version: str, digest: str) -> None:
        """Say what runs: `hydrawatch_build_info` and `hydrawatch_config_info`."""
        self._build.info({"version": version, "python": platform.python_version()})
        self._config.info({"digest": digest})

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, namespace=NAMESPACE, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, namespace=NAMESPACE, registry=self.registry)
