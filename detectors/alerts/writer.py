"""From a case and a decision to the next revision of an alert."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from detectors.alerts import explain
from detectors.alerts.lifecycle import Decision
from detectors.campaigns.account_directory import Name
from detectors.campaigns.cases import Case
from detectors.campaigns.clusters import Campaign
from detectors.campaigns.flagged_values import FlaggedKey
from detectors.contract.alert import (
    ACTIONS,
    MAX_COUNTER,
    MAX_EVIDENCE,
    MAX_LINKS,
    OBSERVE,
    SEVERITIES,
    Alert,
    AlertEvidence,
    Exposure,
    Link,
    Mode,
    Suspected,
    Trace,
    alert_id,
    as_of,
    in_contract_words,
    rounded,
)
from detectors.contract.request_event import CAPABILITIES
from detectors.interface.family import Family
from detectors.interface.key_kinds import KINDS

_MICRO = 1_000_000
_NOTABLE = 0.1  # a capability with this share of the requests is worth naming


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes revisions; what is the same in all of them are its fields."""

    mode: Mode
    trace: Trace
    ttl_s: int

    def account(
        self,
        last: Alert | None,
        account: int,
        name: Name,
        case: Case,
        decision: Decision,
        tick: int,
    ) -> Alert:
        """An account alert's next revision, from its case."""
        campaign = case.campaign
        size = len(campaign.members) if campaign else 1
        counter = case.counter[:MAX_COUNTER]
        seen = [e.last_seen for e in case.own]
        first = [e.first_seen for e in case.own] + (
            [name.first_seen] if name.first_seen > 0 else []
        )
        return Alert(
            alert_id=last.alert_id if last else alert_id("account", name.account_id, tick),
            revision=last.revision + 1 if last else 1,
            kind="account",
            account_id=name.account_id,
            campaign_id=campaign.id if campaign else None,
            role=campaign.members[account] if campaign else None,
            state=decision.state or "updated",
            as_of=as_of(tick),
            first_seen=min(first) if first else UNSET,
            last_seen=max(seen) if seen else UNSET,
            severity=SEVERITIES[decision.severity],
            confidence=case.verdict.confidence,
            action=ACTIONS[decision.action],
            action_ttl_s=self.ttl_s if decision.action > OBSERVE else None,
            families=case.verdict.families,
            evidence=_evidence(case),
            links=_links(case.keys),
            counter_evidence=counter,
            exposure=_own_exposure(case),
            explanation=explain.account(case.signals, case.keys, size, case.verdict, counter),
            suspected=_suspected(case, case.verdict.families),
            mode=self.mode,
            trace=self.trace,
        )

    def network(
        self,
        last: Alert | None,
        case: Case,
        campaign: Campaign,
        acting: tuple[Alert, ...],
        decision: Decision,
        tick: int,
    ) -> Alert:
        """A network alert's next revision; `acting` are its members' alerts that advise an action.

        Their families and strongest evidence are the network's too: its action rests on theirs.
        """
        families = network_families(case, acting)
        own = _evidence(case)
        theirs = {e for alert in acting for e in alert.evidence if e not in own}
        missing = set(families) - {e.family for e in own}
        extra = sorted(
            (e for e in theirs if e.family in missing),
            key=lambda e: (-e.surprise_nats, e.detector, e.parameter, e.window_start, e.observed),
        )
        evidence = sorted((*own, *extra[:3]), key=lambda e: -e.surprise_nats)[:MAX_EVIDENCE]
        counter = case.counter[:MAX_COUNTER]
        core = sum(role == "core" for role in campaign.members.values())
        size = max(len(campaign.members), 1)
        return Alert(
            alert_id=last.alert_id if last else alert_id("network", campaign.id, tick),
            revision=last.revision + 1 if last else 1,
            kind="network",
            account_id=None,
            campaign_id=campaign.id,
            split_from=campaign.split_from or UNSET,
            size=size,
            state=decision.state or "updated",
            as_of=as_of(tick),
            first_seen=min(k.first_seen for k in case.keys),
            last_seen=max(k.last_seen for k in case.keys),
            severity=SEVERITIES[decision.severity],
            confidence=case.verdict.confidence,
            action=ACTIONS[decision.action],
            action_ttl_s=self.ttl_s if decision.action > OBSERVE else None,
            families=families,
            evidence=tuple(evidence),
            links=_links(case.keys),
            counter_evidence=counter,
            exposure=_shared_exposure(case.keys),
            explanation=explain.network(case.keys, size, core, case.verdict, counter),
            suspected=_suspected(case, families),
            mode=self.mode,
            trace=self.trace,
        )

    def held(self, last: Alert, decision: Decision, tick: int, campaign: str | None) -> Alert:
        """A revision with the content that justified the last one."""
        return replace(
            last,
            revision=last.revision + 1,
            state=decision.state or "updated",
            as_of=as_of(tick),
            campaign_id=campaign,
            severity=SEVERITIES[decision.severity],
            action=ACTIONS[decision.action],
            action_ttl_s=self.ttl_s if decision.action > OBSERVE else None,
            mode=self.mode,
            trace=self.trace,
        )

    def erased(self, last: Alert, tick: int) -> Alert:
        """The last revision of an alert whose account was erased."""
        end = self.ended(last, None, Decision("resolved"), tick)
        return replace(
            end,
            campaign_id=None,
            role=None,
            exposure=UNSET,
            explanation=explain.ended("resolved", erased=True),
        )

    def ended(
        self, last: Alert, case: Case | None, decision: Decision, tick: int, merged_into: str = ""
    ) -> Alert:
        """The last revision of an alert: resolved or retracted."""
        state = decision.state or "resolved"
        return replace(
            last,
            revision=last.revision + 1,
            state=state,
            merged_into=merged_into or UNSET,
            as_of=as_of(tick),
            severity="info",
            confidence=case.verdict.confidence if case else 0.0,
            action="observe",
            action_ttl_s=None,
            families=(),
            evidence=(),
            links=(),
            counter_evidence=case.counter[:MAX_COUNTER] if case else (),
            explanation=explain.ended(state, merged_into),
            suspected="unknown",
            mode=self.mode,
            trace=self.trace,
        )


def network_families(case: Case, acting: tuple[Alert, ...]) -> tuple[Family, ...]:
    """The families of a network's keys and of the members' alerts that advise an action."""
    return tuple(sorted({*case.verdict.families, *(f for a in acting for f in a.families)}))


def _evidence(case: Case) -> tuple[AlertEvidence, ...]:
    """The strongest pieces, but the strongest of every family in any case."""
    best: dict[str, int] = {}
    for i, signal in enumerate(case.signals):
        best.setdefault(signal.evidence.family, i)
    rest = [i for i in range(len(case.signals)) if i not in best.values()]
    chosen = sorted([*best.values(), *rest[: MAX_EVIDENCE - len(best)]])
    return tuple(in_contract_words(case.signals[i].evidence) for i in chosen)


def _links(keys: tuple[FlaggedKey, ...]) -> tuple[Link, ...]:
    return tuple(
        Link(
            family=KINDS[k.kind].family,
            field=KINDS[k.kind].field,
            value_fp=k.value_fp,
            accounts=k.accounts,
            weight=rounded(k.weight),
            first_seen=k.first_seen,
            last_seen=k.last_seen,
        )
        for k in keys[:MAX_LINKS]
    )


def _own_exposure(case: Case) -> Exposure | UnsetType:
    """What the account took in its newest odd window."""
    if not case.own:
        return UNSET
    newest = max(case.own, key=lambda e: (e.evidence.window_end, e.requests))
    return Exposure(
        requests=newest.requests,
        output_tokens=newest.output_tokens,
        cost_usd=round(newest.cost_micro / _MICRO, 6),
    )


def _shared_exposure(keys: tuple[FlaggedKey, ...]) -> Exposure:
    """What the holders of the busiest value took in a day: values overlap, so sums would lie."""
    busiest = max(keys, key=lambda k: (k.requests, k.output_tokens, k.id))
    total = sum(busiest.capabilities)
    named = tuple(
        name
        for name, count in zip(CAPABILITIES, busiest.capabilities, strict=False)
        if count >= _NOTABLE * total and count
    )
    return Exposure(
        requests=busiest.requests, output_tokens=busiest.output_tokens, capabilities=named or UNSET
    )


def _suspected(case: Case, families: tuple[Family, ...]) -> Suspected:
    return explain.suspected((s.kind for s in case.signals), families)
