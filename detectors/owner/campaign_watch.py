"""Detectors of campaigns as wholes: the windows of all campaigns each hour, and what was found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec
import numpy as np

from detectors.campaigns.clusters import Campaign
from detectors.campaigns.flagged_values import FlaggedKey, KeyId
from detectors.interface.clock import HOUR_MS, HOUR_TICKS, MINUTE_MS
from detectors.interface.columns import CAPABILITY_SLOTS
from detectors.interface.detector import Described, Evidence
from detectors.judging.closing import Tick
from detectors.judging.features import Closed
from detectors.judging.host import Host


class WholeEvidence(msgspec.Struct, frozen=True):
    """Evidence about a campaign, and the first tick in which it is stale."""

    evidence: Evidence
    expires: int


class CampaignWatch:
    """What detectors with `entity="campaign"` remember and have found, by campaign."""

    def __init__(self, detectors: Iterable[Described], ttl_hours: float) -> None:
        self.host = Host(detectors, "campaign")
        self._ttl = max(1, round(ttl_hours * HOUR_TICKS))
        self.found: dict[str, list[WholeEvidence]] = {}

    def due(self, tick: int, campaigns: Mapping[str, Campaign]) -> int:
        """The next tick in which campaigns are to be looked at; -1: none.

        What was found goes stale whether or not a detector runs here any more.
        """
        if not self.found and not (self.host.runs and campaigns):
            return -1
        return tick + HOUR_TICKS - (tick + 1) % HOUR_TICKS

    def close(
        self,
        tick: int,
        campaigns: Mapping[str, Campaign],
        keys: Mapping[KeyId, FlaggedKey],
    ) -> set[str]:
        """Have the campaigns judged at an hour's end; gives those of which more or less is known now."""
        if (tick + 1) % HOUR_TICKS:
            return set()
        changed = self._expire(tick)
        if not self.host.runs:
            return changed
        present = sorted(c for c, campaign in campaigns.items() if campaign.members)
        if present:
            end = (tick + 1) * MINUTE_MS
            closed = _closed([campaigns[c] for c in present], keys)
            for _, closing in self.host.close(closed, Tick(tick, "hour", end - HOUR_MS, end)):
                for one in closing.findings:
                    campaign = present[one.place]
                    self._keep(campaign, one.evidence, tick)
                    changed.add(campaign)
        return changed

    def evidence(self, campaign: str) -> tuple[Evidence, ...]:
        """What is known of a campaign as a whole."""
        return tuple(one.evidence for one in self.found.get(campaign, ()))

    def leave(self, campaigns: Iterable[str]) -> None:
        """Campaigns that have ended."""
        for campaign in campaigns:
            self.found.pop(campaign, None)
            self.host.erase([_entity(campaign)], np.zeros(0, np.int64))

    def forget(self, unheard: Callable[[Evidence], bool]) -> list[str]:
        """Forget such evidence; gives the campaigns of which less is known now."""
        kept = {c: [e for e in found if not unheard(e.evidence)] for c, found in self.found.items()}
        less = sorted(c for c, found in self.found.items() if len(kept[c]) < len(found))
        self.found = {c: found for c, found in kept.items() if found}
        return less

    def _keep(self, campaign: str, evidence: Evidence, tick: int) -> None:
        others = [
            one
            for one in self.found.get(campaign, ())
            if (one.evidence.detector, one.evidence.parameter)
            != (evidence.detector, evidence.parameter)
        ]
        self.found[campaign] = [*others, WholeEvidence(evidence, tick + self._ttl)]

    def _expire(self, tick: int) -> set[str]:
        stale = {c for c, found in self.found.items() if any(e.expires <= tick for e in found)}
        for campaign in stale:
            fresh = [e for e in self.found[campaign] if e.expires > tick]
            if fresh:
                self.found[campaign] = fresh
            else:
                del self.found[campaign]
        return stale


def _closed(campaigns: list[Campaign], keys: Mapping[KeyId, FlaggedKey]) -> Closed:
    """Windows of campaigns: who is in them, and a day of their busiest value (values overlap)."""
    count = len(campaigns)
    numbers = {
        name: np.zeros(count, np.int64)
        for name in ("size", "core", "values", "hard_values", "requests", "output")
    }
    capability = np.zeros((count, CAPABILITY_SLOTS), np.int64)
    for i, campaign in enumerate(campaigns):
        held = [keys[k] for k in campaign.keys if k in keys]
        numbers["size"][i] = len(campaign.members)
        numbers["core"][i] = sum(role == "core" for role in campaign.members.values())
        numbers["values"][i] = len(held)
        numbers["hard_values"][i] = sum(key.hard for key in held)
        if held:
            busiest = max(held, key=lambda k: (k.requests, k.output_tokens, k.id))
            numbers["requests"][i] = busiest.requests
            numbers["output"][i] = busiest.output_tokens
            capability[i, : len(busiest.capabilities)] = busiest.capabilities
    places = np.arange(count)
    entities = np.array([_entity(c.id) for c in campaigns], np.uint64)
    return Closed(
        entities, places, numbers["size"], places, {**numbers, "capability": capability}, {}
    )


def _entity(campaign: str) -> int:
    """A campaign's id as the number by which detectors know it."""
    return int(campaign.rpartition("-")[2], 16)
