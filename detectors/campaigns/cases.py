"""What speaks for and against a subject at a tick: its signals, keys, verdict and counter-evidence.

A case is built anew from the books whenever a subject is looked at; it keeps nothing. `account_case`
and `network_case` are what fusion sees; `detectors.alerts.writer` turns a case into an alert.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from detectors.campaigns.account_directory import AccountDirectory
from detectors.campaigns.account_evidence import AccountEvidence, OwnEvidence
from detectors.campaigns.clusters import Campaign, CampaignBook
from detectors.campaigns.controls import ControlBook
from detectors.campaigns.flagged_values import FlaggedKey, FlaggedKeys
from detectors.campaigns.fusion import Fusion, Signal, Verdict
from detectors.campaigns.population_book import PopulationBook
from detectors.interface.clock import HOUR_MS
from detectors.interface.detector import Evidence
from detectors.interface.family import Family
from detectors.interface.key_kinds import KINDS

_ORG_SAMPLE = 200  # members asked for their organisation: fingerprints are random, so is the sample


class Case(msgspec.Struct, frozen=True):
    """Signals strongest first, the keys they rest on, and what fusion makes of them."""

    verdict: Verdict
    signals: tuple[Signal, ...]
    keys: tuple[FlaggedKey, ...]
    own: tuple[OwnEvidence, ...]
    counter: tuple[str, ...]
    campaign: Campaign | None
    withdrawn: bool = False


class Watched(Protocol):
    """What detectors found about campaigns as wholes."""

    def evidence(self, campaign: str) -> tuple[Evidence, ...]:
        """What is known of one."""
        ...


@dataclass(frozen=True, slots=True)
class Books:
    """The owner's books, as cases read them."""

    rules: Fusion
    flagged: FlaggedKeys
    campaigns: CampaignBook
    own: AccountEvidence
    control: ControlBook
    names: AccountDirectory
    population: PopulationBook
    watch: Watched

    def covered(self, account: int, family: Family) -> bool:
        """Whether an allowance covers this family of signals for this account."""
        return family in self._allowed(account)

    def _allowed(self, account: int) -> frozenset[Family]:
        if not self.control.allowances:
            return frozenset()
        name = self.names.find(account)
        return self.control.allowed(account, name.org if name else 0)

    def account_case(self, account: int) -> Case:
        """What is known against and for one account."""
        campaign = self.campaigns.home(account)
        allowed = self._allowed(account)
        signals, keys, counter = [], [], []
        excuses: list[str] = []
        withdrawn = set()
        for key_id in sorted(self.flagged.held.get(account, ())):
            key = self.flagged.keys[key_id]
            family = KINDS[key.kind].family
            if self.flagged.is_organisation(key):
                counter.append(colleagues(key))
            elif family in allowed:
                withdrawn.add(family)
            elif campaign and (key.campaign == campaign.id or self.flagged.is_hub(key)):
                keys.append(key)
                signals += [Signal(e, key.kind) for e in key.by_detector.values()]
        own = []
        for one in self.own.accounts.get(account, ()):
            if one.evidence.family in allowed:
                withdrawn.add(one.evidence.family)
                continue
            own.append(one)
            excuse = self._excuse(one)
            excuses += [excuse] if excuse else []
            signals.append(Signal(one.evidence, excused=bool(excuse)))
        if not own and campaign and len(campaign.groups) == 1:
            signals, keys = [], []  # one shared value names nobody: that is the network's to say
        organisation = campaign is not None and self.organisation(campaign)
        verdict = self.rules.weigh(
            signals,
            size=len(campaign.members) if campaign else 1,
            core=campaign is not None and campaign.members[account] == "core",
            organisation=organisation,
        )
        counter += self._doubts(excuses, keys, verdict, organisation=organisation)
        if withdrawn:
            counter.append(f"an allowance covers its {', '.join(sorted(withdrawn))} signals")
        if signals and not own:
            counter.append("nothing odd was seen in its own volume")
        return self._case(verdict, signals, keys, own, counter, campaign, bool(withdrawn))

    def network_case(self, campaign: Campaign) -> Case:
        """What is known against and for a campaign as a whole."""
        keys = [self.flagged.keys[k] for k in campaign.keys]
        signals = [Signal(e, k.kind) for k in keys for e in k.by_detector.values()]
        signals += [Signal(e) for e in self.watch.evidence(campaign.id)]
        organisation = self.organisation(campaign)
        verdict = self.rules.weigh(
            signals, size=len(campaign.members), core=True, organisation=organisation
        )
        counter = self._doubts((), keys, verdict, organisation=organisation)
        return self._case(verdict, signals, keys, [], counter, campaign)

    def organisation(self, campaign: Campaign) -> bool:
        """Whether most members are colleagues, by the organisations of a sample of them."""
        if campaign.colleagues is not None:
            return campaign.colleagues
        orgs: dict[int, int] = {}
        known = 0
        for account in sorted(campaign.members)[:_ORG_SAMPLE]:
            name = self.names.find(account)
            if name is not None:
                known += 1
                orgs[name.org] = orgs.get(name.org, 0) + 1
        orgs.pop(0, None)
        most = max(orgs.values(), default=0)
        campaign.colleagues = known > 0 and most >= self.rules.organisation_share * known
        return campaign.colleagues

    def excusable_by(self, releases: Iterable[int]) -> set[int]:
        """The accounts whose evidence releases at these times (ms) explain, or no longer do."""
        times = sorted(releases)
        length = round(self.rules.release_hours * HOUR_MS)
        return {
            account
            for account, found in self.own.accounts.items()
            if any(
                one.evidence.family == "volume"
                and bisect_right(times, one.evidence.window_start - length)
                < bisect_left(times, one.evidence.window_end)
                for one in found
            )
        }

    def _excuse(self, own: OwnEvidence) -> str:
        """What else explains evidence about an account; empty: nothing known.

        A release explains volume whose window reaches into the release's; what all on its model did
        explains that an account did so too.
        """
        evidence = own.evidence
        if evidence.family != "volume":
            group = self.population.explains(own)
            return f"all who use the model {group.name} changed so at that time" if group else ""
        length = round(self.rules.release_hours * HOUR_MS)
        released = self.control.released(evidence.window_start - length, evidence.window_end)
        return "a model was released shortly before: volume rises everywhere" if released else ""

    def _doubts(
        self,
        excuses: Iterable[str],
        keys: Iterable[FlaggedKey],
        verdict: Verdict,
        *,
        organisation: bool,
    ) -> list[str]:
        doubts = []
        if organisation:
            doubts.append("most of these accounts belong to one organisation")
        doubts += dict.fromkeys(excuses)
        if verdict.groups >= 2 and verdict.circumstantial:
            doubts.append("only place and prompts are shared, no payment instrument or device")
        for key in keys:
            if self.flagged.is_hub(key):
                noun = KINDS[key.kind].noun
                doubts.append(f"this {noun} is public: {key.accounts} accounts hold it")
        return doubts

    def _case(
        self,
        verdict: Verdict,
        signals: list[Signal],
        keys: list[FlaggedKey],
        own: list[OwnEvidence],
        counter: list[str],
        campaign: Campaign | None,
        withdrawn: bool = False,
    ) -> Case:
        return Case(
            verdict=verdict,
            signals=tuple(sorted((s for s in signals if self.rules.counts(s)), key=_rank)),
            keys=tuple(sorted(keys, key=lambda k: (not k.hard, -k.evidence.surprise, k.id))),
            own=tuple(own),
            counter=tuple(dict.fromkeys(counter)),
            campaign=campaign,
            withdrawn=withdrawn,
        )


def colleagues(key: FlaggedKey) -> str:
    """Counter-evidence: a shared value whose holders are one organisation."""
    noun = KINDS[key.kind].noun
    return (
        f"{key.in_dominant_org} of {key.reported_members} newcomers on one {noun} are colleagues"
        if key.in_dominant_org
        else f"the shared {noun} is one organisation"
    )


def _rank(signal: Signal) -> tuple[float, int, str, str, int]:
    evidence = signal.evidence
    return (
        -evidence.surprise,
        signal.kind,
        evidence.detector,
        evidence.parameter,
        -evidence.window_end,
    )
