"""From a stage's own counts to Prometheus: what changed since the last chunk, by bounded labels."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import numpy as np
import structlog

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.contract.alert import ACTIONS, SEVERITIES
from detectors.contract.request_event import OPTIONAL, USAGE
from detectors.decode.decoder import Decoded
from detectors.decode.rejects import REASONS
from detectors.exchange.findings import TickFindings
from detectors.interface.clock import MINUTE_MS, NO_TIME
from detectors.interface.detector import Described
from detectors.interface.key_kinds import KINDS
from detectors.networks import state as ks
from detectors.networks.partition import NetworkPartition
from streams.observe.counter_gauges import CounterGauges, Gained, count_by
from streams.observe.event_clock import LateShare
from streams.observe.input_quality import InputQuality
from streams.observe.isolation import Asides
from streams.observe.losses import LossGauge
from streams.observe.metrics import Metrics
from streams.observe.misplacement import Misplacement
from streams.observe.owner_gauges import OWNER_EVICTIONS
from streams.observe.partition_gauges import PartitionGauges

log = structlog.get_logger()

LATE_BY = {
    st.LATE_MINUTE: "1m",
    st.LATE_TEN: "10m",
    st.LATE_HOUR: "1h",
    st.LATE_DAY: "1d",
    st.LATE_LONGER: "more",
}
KEY_EVICTIONS = {
    ks.SINGLES_EVICTED: "single_key",
    ks.SHARED_EVICTED: "shared_key",
    ks.SHARED_OVERFLOW: "shared_key_refused",
    ks.MEMBER_OVERFLOW: "member_refused",
    ks.TEMPLATES_EVICTED: "template",
}
ACCOUNT_EVICTIONS = {
    st.ACCOUNTS_EVICTED: "account",
    st.ACCOUNT_OVERFLOW: "account_refused",
    st.MINUTE_OVERFLOW: "minute_refused",
    st.SIGHTING_OVERFLOW: "sighting",
    st.EDGE_OVERFLOW: "edge_refused",
    st.PROMPT_OVERFLOW: "prompt_refused",
    st.MINUTE_COARSE: "minute_coarse",
    st.MINUTES_EVICTED: "minute",
    st.EDGE_BY_LOT: "edge_by_lot",
    st.PROMPT_BY_LOT: "prompt_by_lot",
    st.HELD_OVERFLOW: "held_value_refused",
    st.WORDING_OVERFLOW: "wording_refused",
}
REFUSALS = [st.ACCOUNT_OVERFLOW, st.MINUTE_OVERFLOW]
NEW_STATES = ("open", "escalated")  # what a flood is made of; renewals are not
HOUR_S = 3600
# Of which entities each stage's detectors may raise; the owner compares findings about accounts.
STAGES = {
    "accounts": ("account",),
    "keys": ("key",),
    "owner": ("account", "group", "campaign", "model"),
}


def begin_at_zero(
    metrics: Metrics, detectors: Iterable[Described], inputs: Iterable[str] = ()
) -> None:
    """Show the counters that rules watch from the start.

    A series that comes into being at 500 has, to Prometheus, never risen.
    """
    for kinds in (ACCOUNT_EVICTIONS, KEY_EVICTIONS, OWNER_EVICTIONS):
        for kind in kinds.values():
            metrics.evictions.labels(kind)
    for topic in inputs:
        metrics.lost_records.labels(topic)
    for kind in ("account", "shared_key"):
        metrics.expired.labels(kind)
    for by in LATE_BY.values():
        metrics.late_events.labels(by)
    for name in OPTIONAL:
        metrics.unusable_properties.labels(name)
    for reason in REASONS:
        metrics.dead_letters.labels(reason, "receiving")
    for stage, entities in STAGES.items():
        metrics.snapshot_failures.labels(stage)
        for card in (detector.card for detector in detectors):
            if card.entity in entities:
                metrics.set_aside.labels(card.name, stage)
    metrics.advice_capped.labels("live")
    for severity, action in product(SEVERITIES, ACTIONS):
        for state in NEW_STATES:
            metrics.alerts.labels("account", severity, action, state, "live")


def count_evidence(metrics: Metrics, findings: TickFindings) -> None:
    """Count the pieces of evidence of a tick."""
    pieces = [f.evidence for f in findings.accounts]
    for evidence in pieces + [e for f in findings.keys for e in f.evidence]:
        metrics.evidence.labels(evidence.detector, evidence.family).inc()


class AccountGauges:
    """What one account partition shows."""

    def __init__(
        self, metrics: Metrics, topic: str, partition: int, accounts: AccountPartition
    ) -> None:
        self.partition = PartitionGauges(metrics, topic, partition)
        self.quality = InputQuality()
        self.misplacement = Misplacement()
        self._metrics = metrics
        self._counts = CounterGauges(metrics, "accounts", "account", accounts.counts, accounts.host)
        self._asides = Asides(metrics, self.partition, "accounts", accounts)
        self._loss = LossGauge(metrics, self.partition, topic, accounts)
        self.restore(accounts)

    def restore(self, accounts: AccountPartition) -> None:
        """Count from here on: what restored state has counted was shown by whoever kept it."""
        self.late = LateShare(accounts.counters)
        self._gained = Gained(accounts.counters)
        self._holes = accounts.flow.kept.hours
        self._loss.restore(accounts)

    def count(self, decoded: Decoded) -> None:
        """Count a decoded batch's rejects and unknown properties."""
        if decoded.rejected:
            self._metrics.events.labels("rejected").inc(len(decoded.rejected))
        for at in np.flatnonzero(decoded.unknown):
            self._metrics.unknown_properties.labels(OPTIONAL[at]).inc(int(decoded.unknown[at]))
        for at in np.flatnonzero(decoded.unusable):
            self._metrics.unusable_properties.labels(OPTIONAL[at]).inc(int(decoded.unusable[at]))
        for name, count in zip(USAGE, decoded.no_usage.tolist(), strict=True):
            if count:
                self._metrics.unknown_properties.labels(name).inc(count)
        self.quality.count(decoded)

    def update(self, accounts: AccountPartition) -> None:
        """Counters by their difference, gauges as they stand."""
        metrics, show = self._metrics, self.partition
        self._counts.update()
        self._asides.update(accounts.closed)
        self._loss.update(accounts)
        new = self._gained.look(accounts.counters)
        metrics.events.labels("accepted").inc(int(new[st.ACCEPTED] - new[st.LATE]))
        metrics.events.labels("duplicate").inc(int(new[st.DUPLICATE]))
        metrics.events.labels("late").inc(int(new[st.LATE]))
        metrics.events.labels("refused").inc(int(new[REFUSALS].sum()))
        count_by(metrics.late_events, new, LATE_BY)
        metrics.reused_ids.inc(int(new[st.REUSED]))
        metrics.unknown_usage.inc(int(new[st.NO_USAGE]))
        metrics.unusable_properties.labels("account_created_at").inc(int(new[st.TOO_YOUNG]))
        self.quality.ingested(new)
        metrics.misplaced.inc(int(new[st.MISPLACED]))
        self.misplacement.count(int(new[st.ACCEPTED]), int(new[st.MISPLACED]))
        show.set(metrics.misplaced_share, self.misplacement.share)
        if new[st.DEDUPE_OVERFLOW]:
            metrics.dedupe_overflow.inc(int(new[st.DEDUPE_OVERFLOW]))
        count_by(metrics.evictions, new, ACCOUNT_EVICTIONS)
        if new[st.ACCOUNTS_EXPIRED]:
            metrics.expired.labels("account").inc(int(new[st.ACCOUNTS_EXPIRED]))
        if accounts.flow.kept.hours > self._holes:
            metrics.input_outage.inc(HOUR_S * (accounts.flow.kept.hours - self._holes))
            self._holes = accounts.flow.kept.hours
            log.warning(
                "the input had a hole: its hours are not learned from",
                partition=self.partition.label,
                hours=accounts.flow.kept.lasting,
            )
        if new[st.AHEAD]:
            metrics.ahead_events.inc(int(new[st.AHEAD]))
        self.late.update(accounts.counters)
        if self.late.share is not None:
            show.set(metrics.late_share, self.late.share)
        scalars = accounts.state.scalars
        newest = int(scalars[st.MAX_TIME])
        if newest != NO_TIME:
            show.set(metrics.last_event, newest / 1000)
            show.delay(metrics.event_lag, newest)
        if accounts.watermark != NO_TIME:
            show.delay(metrics.watermark_delay, accounts.watermark, "accounts")
        held = int(scalars[st.ACCOUNTS] - scalars[st.ACCOUNT_FREE])
        show.set(metrics.entities, held, "account")
        for kind, size in accounts.bytes_by_kind().items():
            show.set(metrics.state_bytes, size, kind)


class NetworkGauges:
    """What one network partition shows."""

    def __init__(
        self, metrics: Metrics, topic: str, partition: int, keys: NetworkPartition
    ) -> None:
        self.partition = PartitionGauges(metrics, topic, partition)
        self._metrics = metrics
        self._counts = CounterGauges(metrics, "keys", "key", keys.counts, keys.host)
        self._asides = Asides(metrics, self.partition, "keys", keys)
        self._loss = LossGauge(metrics, self.partition, topic, keys)
        self.restore(keys)

    def restore(self, keys: NetworkPartition) -> None:
        """Count from here on; see `AccountGauges.restore`."""
        self._gained = Gained(keys.state.counters)
        self._loss.restore(keys)

    def update(self, keys: NetworkPartition) -> None:
        """Counters by their difference, gauges as they stand."""
        metrics, show = self._metrics, self.partition
        self._counts.update()
        self._asides.update(keys.closed)
        self._loss.update(keys)
        new = self._gained.look(keys.state.counters)
        count_by(metrics.evictions, new, KEY_EVICTIONS)
        if new[ks.SHARED_EXPIRED]:
            metrics.expired.labels("shared_key").inc(int(new[ks.SHARED_EXPIRED]))
        if keys.closed != NO_TIME:
            show.delay(metrics.watermark_delay, (keys.closed + 1) * MINUTE_MS, "keys")
        for known in KINDS:
            show.set(metrics.entities, int(keys.state.by_kind[known.code]), known.field)
        show.set(metrics.entities, int(keys.state.counters[ks.SINGLES]), "single_key")
        for name, size in keys.bytes_by_kind().items():
            show.set(metrics.state_bytes, size, name)
