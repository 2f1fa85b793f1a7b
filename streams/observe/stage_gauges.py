"""From a stage's own counts to Prometheus: what changed since the last chunk, by bounded labels."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product

import numpy as np
import structlog

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.campaigns.population_book import GroupEvidence
from detectors.contract.alert import ACTIONS, SEVERITIES, Mode
from detectors.contract.request_event import OPTIONAL
from detectors.decode.decoder import Decoded
from detectors.decode.rejects import REASONS
from detectors.exchange.findings import TickFindings
from detectors.interface.clock import HOUR_TICKS, MINUTE_MS, NO_TIME
from detectors.interface.detector import Described
from detectors.interface.key_kinds import KINDS
from detectors.networks import state as ks
from detectors.networks.partition import NetworkPartition
from detectors.owner.owner import CampaignOwner
from streams.observe.counter_gauges import CounterGauges, DetectorGauges
from streams.observe.isolation import AsideGauge
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges
from streams.stage import Part

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
}
REFUSALS = [st.ACCOUNT_OVERFLOW, st.MINUTE_OVERFLOW]
OWNER_ENTITIES = {
    "names": "name",
    "flagged_keys": "flagged_key",
    "flagged_members": "flagged_member",
    "own_evidence": "own_evidence",
    "campaigns": "campaign",
    "account_alerts": "account_alert",
    "network_alerts": "network_alert",
}
OWNER_EVICTIONS = {
    "names_evicted": "name",
    "flagged_keys_evicted": "flagged_key",
    "own_evidence_evicted": "own_evidence",
    "alerts_held_back": "alert_refused",
}
OWNER_PARTITION = 0  # campaigns have one owner
NEW_STATES = ("open", "escalated")  # what a flood is made of; renewals are not
LAST_TICK = 1 << 62
HOUR_S = 3600
# Of which entities each stage's detectors may raise; the owner compares findings about accounts.
STAGES = {"accounts": ("account",), "keys": ("key",), "owner": ("account", "campaign", "model")}


def begin_at_zero(metrics: Metrics, detectors: Iterable[Described]) -> None:
    """Show the counters that rules watch from the start.

    A series that comes into being at 500 has, to Prometheus, never risen.
    """
    for kinds in (ACCOUNT_EVICTIONS, KEY_EVICTIONS, OWNER_EVICTIONS):
        for kind in kinds.values():
            metrics.evictions.labels(kind)
    for kind in ("account", "shared_key"):
        metrics.expired.labels(kind)
    for by in LATE_BY.values():
        metrics.late_events.labels(by)
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


def asides(metrics: Metrics, show: PartitionGauges, stage: str, part: Part) -> list[AsideGauge]:
    """What the detectors of a stage raise for, one gauge each."""
    return [
        AsideGauge(metrics, show, stage, name, isolation)
        for name, isolation in part.isolations().items()
    ]


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
        self._metrics = metrics
        self._counts = CounterGauges(metrics, "accounts", "account", accounts.counts, accounts.host)
        self._asides = asides(metrics, self.partition, "accounts", accounts)
        self.restore(accounts)

    def restore(self, accounts: AccountPartition) -> None:
        """Count from here on: what restored state has counted was shown by whoever kept it."""
        self._seen = accounts.counters.copy()
        self._holes = accounts.flow.kept.hours

    def count(self, decoded: Decoded) -> None:
        """Count a decoded batch's rejects and unknown properties."""
        if decoded.rejected:
            self._metrics.events.labels("rejected").inc(len(decoded.rejected))
        for at in np.flatnonzero(decoded.unknown):
            self._metrics.unknown_properties.labels(OPTIONAL[at]).inc(int(decoded.unknown[at]))

    def update(self, accounts: AccountPartition) -> None:
        """Counters by their difference, gauges as they stand."""
        metrics, show = self._metrics, self.partition
        self._counts.update()
        for aside in self._asides:
            aside.update(accounts.closed)
        now = accounts.counters.copy()
        new = now - self._seen
        self._seen = now
        metrics.events.labels("accepted").inc(int(new[st.ACCEPTED] - new[st.LATE]))
        metrics.events.labels("duplicate").inc(int(new[st.DUPLICATE]))
        metrics.events.labels("late").inc(int(new[st.LATE]))
        metrics.events.labels("refused").inc(int(new[REFUSALS].sum()))
        for place, by in LATE_BY.items():
            if new[place]:
                metrics.late_events.labels(by).inc(int(new[place]))
        if new[st.DEDUPE_OVERFLOW]:
            metrics.dedupe_overflow.inc(int(new[st.DEDUPE_OVERFLOW]))
        for place, kind in ACCOUNT_EVICTIONS.items():
            if new[place]:
                metrics.evictions.labels(kind).inc(int(new[place]))
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
    """What one key partition shows."""

    def __init__(
        self, metrics: Metrics, topic: str, partition: int, keys: NetworkPartition
    ) -> None:
        self.partition = PartitionGauges(metrics, topic, partition)
        self._metrics = metrics
        self._counts = CounterGauges(metrics, "keys", "key", keys.counts, keys.host)
        self._asides = asides(metrics, self.partition, "keys", keys)
        self.restore(keys)

    def restore(self, keys: NetworkPartition) -> None:
        """Count from here on; see `AccountGauges.restore`."""
        self._seen = keys.state.counters.copy()

    def update(self, keys: NetworkPartition) -> None:
        """Counters by their difference, gauges as they stand."""
        metrics, show = self._metrics, self.partition
        self._counts.update()
        for aside in self._asides:
            aside.update(keys.closed)
        now = keys.state.counters.copy()
        new = now - self._seen
        self._seen = now
        for place, kind in KEY_EVICTIONS.items():
            if new[place]:
                metrics.evictions.labels(kind).inc(int(new[place]))
        if new[ks.SHARED_EXPIRED]:
            metrics.expired.labels("shared_key").inc(int(new[ks.SHARED_EXPIRED]))
        if keys.closed != NO_TIME:
            show.delay(metrics.watermark_delay, (keys.closed + 1) * MINUTE_MS, "keys")
        for known in KINDS:
            show.set(metrics.entities, int(keys.state.by_kind[known.code]), known.field)
        show.set(metrics.entities, int(now[ks.SINGLES]), "single_key")
        for name, size in keys.bytes_by_kind().items():
            show.set(metrics.state_bytes, size, name)


class OwnerGauges:
    """What the campaign owner shows."""

    def __init__(self, metrics: Metrics, topic: str, owner: CampaignOwner) -> None:
        self.partition = PartitionGauges(metrics, topic, OWNER_PARTITION)
        self._asides = asides(metrics, self.partition, "owner", owner)
        self._detectors = [DetectorGauges(metrics, host) for host in owner.hosts()]
        self._metrics = metrics
        self._begins = LAST_TICK
        self._capped_in: dict[Mode, int] = {}  # the hour in which the log last spoke of it
        self.restore(owner)

    def restore(self, owner: CampaignOwner) -> None:
        """Count from here on; see `AccountGauges.restore`."""
        self._shed = owner.sizes()
        self._capped = {mode: advice.capped for mode, advice in owner.advice().items()}
        self._closed = owner.closed

    def heard(self, tick: int) -> None:
        """A source spoke of a tick: before the first one closes, that says where time begins."""
        if self._closed == NO_TIME:
            self._begins = min(self._begins, tick)

    def update(self, owner: CampaignOwner) -> None:
        """After a chunk: ticks closed, and how far behind decisions are."""
        if owner.closed == NO_TIME:
            return
        before = self._begins - 1 if self._closed == NO_TIME else self._closed
        for aside in self._asides:
            aside.update(owner.closed)
        for detectors in self._detectors:
            detectors.update()
        for found in owner.groups_found():
            self._tell(found)
        self._metrics.ticks_closed.labels("owner").inc(max(0, owner.closed - before))
        self._closed = owner.closed
        end = (owner.closed + 1) * MINUTE_MS
        self.partition.delay(self._metrics.watermark_delay, end, "owner")

    def release(self) -> None:
        """Another worker owns the campaigns now."""
        self.partition.release()

    def measure(self, owner: CampaignOwner) -> None:
        """What is held and what was shed; it costs a look at every campaign."""
        sizes = owner.sizes()
        for name, kind in OWNER_ENTITIES.items():
            self.partition.set(self._metrics.entities, sizes[name], kind)
        for name, kind in OWNER_EVICTIONS.items():
            self._metrics.evictions.labels(kind).inc(max(0, sizes[name] - self._shed[name]))
        self.partition.set(self._metrics.largest_campaign, sizes["largest_campaign"])
        self._shed = sizes
        for mode, advice in owner.advice().items():
            self.partition.set(self._metrics.advice_left, advice.left, mode)
            self._count_capped(mode, advice.capped - self._capped.get(mode, 0), owner)
            self._capped[mode] = advice.capped

    def _tell(self, found: GroupEvidence) -> None:
        """Say what all accounts of a group came to do: no alert names anybody for it."""
        evidence = found.evidence
        self._metrics.evidence.labels(evidence.detector, evidence.family).inc()
        log.warning(
            "a whole group of accounts is used otherwise than before",
            entity=found.entity,
            name=found.name or f"{found.group:016x}",
            share=round(found.share, 3),
            what=evidence.parameter,
            unit=evidence.unit,
            was=round(evidence.expected, 3),
            now=round(evidence.observed, 3),
            since=datetime.fromtimestamp(evidence.window_start / 1000, UTC).isoformat(),
        )

    def _count_capped(self, mode: Mode, new: int, owner: CampaignOwner) -> None:
        """Count the alerts that the budget of advice has capped, and say so once an hour."""
        self._metrics.advice_capped.labels(mode).inc(max(0, new))
        hour = owner.closed // HOUR_TICKS
        if new > 0 and hour != self._capped_in.get(mode):
            self._capped_in[mode] = hour
            log.warning(
                "the budget of advice is spent: alerts stay below what their evidence allows",
                mode=mode,
                capped=new,
                mend="look at the alerts; if they are right, raise alerts.advice_budget_per_hour",
            )
