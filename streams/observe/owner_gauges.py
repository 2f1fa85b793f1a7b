"""What the campaign owner shows: how far it is, what it holds, and what it tells of whole groups."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from detectors.campaigns.population_book import GroupEvidence
from detectors.contract.alert import Mode
from detectors.interface.clock import HOUR_TICKS, MINUTE_MS, NO_TIME
from detectors.owner.owner import CampaignOwner
from streams.observe.counter_gauges import DetectorGauges
from streams.observe.isolation import Asides
from streams.observe.losses import LossGauge
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges

log = structlog.get_logger()

OWNER_ENTITIES = {
    "names": "name",
    "flagged_keys": "flagged_key",
    "flagged_members": "flagged_member",
    "own_evidence": "own_evidence",
    "group_members": "group_member",
    "leaders": "template_leader",
    "groups": "group",
    "groups_explained": "group_explained",
    "campaigns": "campaign",
    "account_alerts": "account_alert",
    "network_alerts": "network_alert",
}
OWNER_EVICTIONS = {
    "names_evicted": "name",
    "flagged_keys_evicted": "flagged_key",
    "own_evidence_evicted": "own_evidence",
    "group_members_evicted": "group_member",
    "leaders_evicted": "template_leader",
    "alerts_held_back": "alert_refused",
}
OWNER_PARTITION = 0  # campaigns have one owner
LAST_TICK = 1 << 62


class OwnerGauges:
    """What the campaign owner shows."""

    def __init__(self, metrics: Metrics, topic: str, owner: CampaignOwner) -> None:
        self.partition = PartitionGauges(metrics, topic, OWNER_PARTITION)
        self._asides = Asides(metrics, self.partition, "owner", owner)
        self._loss = LossGauge(metrics, self.partition, topic, owner)
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
        self._loss.restore(owner)

    def heard(self, tick: int) -> None:
        """A source spoke of a tick: before the first one closes, that says where time begins."""
        if self._closed == NO_TIME:
            self._begins = min(self._begins, tick)

    def update(self, owner: CampaignOwner) -> None:
        """After a chunk: ticks closed, and how far behind decisions are."""
        if owner.closed == NO_TIME:
            return
        before = self._begins - 1 if self._closed == NO_TIME else self._closed
        self._asides.update(owner.closed)
        self._loss.update(owner)
        for detectors in self._detectors:
            detectors.update()
        for found in owner.groups_found():
            self._tell(found)
        for (detector, family), count in owner.group_watch.told().items():
            self._metrics.evidence.labels(detector, family).inc(count)
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
