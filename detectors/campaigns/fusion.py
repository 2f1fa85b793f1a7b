"""From evidence to advice: one score per subject, and what the families behind it allow to be done.

Evidence is weighed per signal group: the strongest of a group counts, once, and capped, so that no
signal carries a verdict alone. A group is a family, except that sign-up cohorts (hour, path and AS)
fall in with place: both see the same accounts arrive from the same network. The score is the sum
over groups minus the prior, in nats; confidence is its logistic.

The gates are those of the house: one group `observe`; two `throttle`; two with a hard link
(payment, device) `verify`; three `restrict` or `suspend`, core members only, and only where two things
speak that nobody can write into another's requests from outside: a card and a device, or one of them and
the account's own behaviour. What rests on place, prompts, invitations, timing and a change of use alone never
rises above `observe`: that is how a class looks, a popular tool, or a customer who builds something new with
it; and whom somebody wants to see locked out can be given all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec

from detectors.contract.alert import OBSERVE, RESTRICT, SEVERITIES, SUSPEND, THROTTLE, VERIFY
from detectors.interface.detector import Evidence
from detectors.interface.family import Family
from detectors.interface.key_kinds import COHORT, KINDS
from detectors.interface.tunable import tunable

OWN = -1  # kind of evidence that rests on the account's own windows, not on a shared value
PLACE = "place"
_CIRCUMSTANTIAL = frozenset({PLACE, "content", "timing", "lifecycle", "drift"})
_IDENTITY = "identity"  # of an invitation alone it is circumstantial too: anybody can pass one on


def group_of(kind: int, family: Family) -> str:
    """What evidence of a family that rests on a kind of value counts as; OWN: on none."""
    return PLACE if kind == COHORT or family == "infrastructure" else family


class Signal(msgspec.Struct, frozen=True):
    """One piece of evidence as fusion weighs it; `excused`: a model release explains it."""

    evidence: Evidence
    kind: int = OWN
    excused: bool = False

    @property
    def hard(self) -> bool:
        """Whether it rests on a payment instrument or a device."""
        return self.kind >= 0 and KINDS[self.kind].hard

    @property
    def group(self) -> str:
        """What it counts as: signals of one group are one raw signal."""
        return group_of(self.kind, self.evidence.family)


class Verdict(msgspec.Struct, frozen=True):
    """What the evidence amounts to. `groups` are those strong enough to count in the gates."""

    score: float
    confidence: float
    severity: int
    action: int
    families: tuple[Family, ...]
    groups: int
    hard: bool
    circumstantial: bool


@dataclass(frozen=True, slots=True)
class Fusion:
    """Section [fusion]: how evidence links and weighs, and what a score must reach for advice."""

    IN_ORDER: ClassVar = (
        ("throttle_nats", "verify_nats"),
        ("verify_nats", "restrict_nats"),
        ("restrict_nats", "suspend_nats"),
        ("restrict_size", "suspend_size"),
    )

    prior_nats: float = tunable(
        12.0, "about one account in 200,000 acts in a campaign on an ordinary day", low=0, high=60
    )
    family_cap_nats: float = tunable(
        20.0, "no signal carries a verdict alone: beyond this a detector is wrong", low=1, high=100
    )
    family_floor_nats: float = tunable(
        5.0, "weaker evidence, which one account in 150 shows, counts as no family", low=0, high=50
    )
    throttle_nats: float = tunable(
        6.0, "reversible and cheap: odds of 400 to 1 are enough", low=-60, high=200
    )
    verify_nats: float = tunable(
        10.0, "asks a customer for something: 20,000 to 1", low=-60, high=200
    )
    restrict_nats: float = tunable(
        20.0, "takes something away: three strong families", low=-60, high=200
    )
    suspend_nats: float = tunable(
        36.0, "locks out: three families near their cap", low=-60, high=200
    )
    restrict_size: int = tunable(
        10, "a household or a small team shares cards, places and prompts too", low=1, high=100_000
    )
    suspend_size: int = tunable(
        20, "the smaller the group, the likelier a team", low=1, high=100_000
    )
    organisation_share: float = tunable(
        0.7, "where this share of the holders is in one organisation, it is one", low=0.05, high=1
    )
    organisation_discount_nats: float = tunable(
        50.0, "colleagues share everything: cards, places and prompts together", low=0, high=200
    )
    release_hours: float = tunable(
        48.0, "everybody tries a new model for a day or two", low=0, high=720
    )
    key_ttl_hours: float = tunable(
        72.0, "a shared value reported no more for this long is evidence no more", low=1, high=2400
    )
    own_ttl_hours: float = tunable(
        24.0, "an account's odd hour counts for a day and no longer", low=1, high=2400
    )
    link_shared: int = tunable(
        2, "one account in common happens by chance, two in common do not", low=1, high=1000
    )
    link_share: float = tunable(
        0.2, "soft values link only with this share of holders, or VPNs link all", low=0, high=1
    )
    company_share: float = tunable(
        0.5, "where this share of a value's holders is in a campaign, all are", low=0, high=1
    )
    hub_accounts: int = tunable(
        512,
        "a place, prompt or invitation that more hold is public and links nobody",
        low=4,
        high=1_000_000,
    )
    regroup_minutes: int = tunable(
        10, "accounts join by the minute; to group as often is not worth its cost", low=1, high=1440
    )
    campaign_cap: int = tunable(
        5_000, "the weakest links are refused beyond: no giant component", low=10, high=100_000
    )
    key_budget: int = tunable(
        20_000, "flagged values kept; the weakest go first", low=10, high=1_000_000
    )
    member_budget: int = tunable(
        300_000, "members of flagged values in all, about 200 bytes each", low=100, high=10_000_000
    )
    group_budget: int = tunable(
        500_000,
        "accounts of which groups are made, about 300 bytes each; newcomers go first",
        low=1_000,
        high=10_000_000,
    )
    own_budget: int = tunable(
        100_000, "accounts with odd windows of their own, about 1 kB each", low=10, high=10_000_000
    )

    def weigh(
        self,
        signals: Sequence[Signal],
        *,
        size: int = 1,
        core: bool = False,
        organisation: bool = False,
    ) -> Verdict:
        """Fuse signals of one subject.

        `size` is the number of accounts acting together (1: alone), `core` the role that permits
        more than `throttle`, `organisation` whether most of them belong to one.
        """
        strongest: dict[str, float] = {}
        excused: dict[str, float] = {}
        hard: set[int] = set()
        for signal in signals:
            nats = min(signal.evidence.surprise, self.family_cap_nats)
            if nats < self.family_floor_nats:
                continue
            side = excused if signal.excused else strongest
            side[signal.group] = max(side.get(signal.group, 0.0), nats)
            if signal.hard and not signal.excused:
                hard.add(signal.kind)
        all_groups = sorted(strongest.keys() | excused.keys())
        paid = self.prior_nats + (self.organisation_discount_nats if organisation else 0.0)
        score = sum(max(strongest.get(g, 0.0), excused.get(g, 0.0)) for g in all_groups) - paid
        gated = sum(strongest[g] for g in sorted(strongest)) - paid
        own = strongest.keys() - _CIRCUMSTANTIAL - {_IDENTITY}
        circumstantial = not hard and not own
        firm = len(hard) + bool(own) >= 2  # so a card or a device is among them
        action = OBSERVE
        if not circumstantial and not organisation:
            action = self._action(
                gated, len(strongest), hard=bool(hard), firm=firm, core=core, size=size
            )
        severity = self._severity(gated, len(strongest), size=size)
        if circumstantial or organisation:
            severity = min(severity, SEVERITIES.index("low"))
        families = sorted({s.evidence.family for s in signals if self.counts(s)})
        return Verdict(
            score=round(score, 3),
            confidence=confidence(score),
            severity=severity,
            action=action,
            families=tuple(families),
            groups=len(strongest),
            hard=bool(hard),
            circumstantial=circumstantial,
        )

    def counts(self, signal: Signal) -> bool:
        """Whether a signal is strong enough to be evidence at all."""
        return signal.evidence.surprise >= self.family_floor_nats

    def _action(
        self, nats: float, groups: int, *, hard: bool, firm: bool, core: bool, size: int
    ) -> int:
        if groups < 2 or nats < self.throttle_nats:
            return OBSERVE
        if not core:
            return THROTTLE
        three = groups >= 3 and firm
        if three and nats >= self.suspend_nats and size >= self.suspend_size:
            return SUSPEND
        if three and nats >= self.restrict_nats and size >= self.restrict_size:
            return RESTRICT
        return VERIFY if hard and nats >= self.verify_nats else THROTTLE

    def _severity(self, nats: float, groups: int, *, size: int) -> int:
        """One group: info. More: low, and a step each for a strong score, a stronger, a crowd."""
        if groups < 2:
            return 0
        strong = nats >= self.restrict_nats and size >= self.restrict_size
        steps = (nats >= self.verify_nats) + strong + (size >= 100)
        return min(1 + steps, len(SEVERITIES) - 1)


def confidence(nats: float) -> float:
    """Logistic of log-odds, to four digits and never quite 1."""
    return min(round(1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, nats)))), 4), 0.9999)
