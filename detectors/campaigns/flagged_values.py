"""The values that look shared on purpose: flagged keys, while they are fresh, and who holds them.

Bounded twice: in keys and in members over all keys. Over budget, the weakest key (least surprise,
then longest unreported) goes first, so that a flood of weak findings cannot push out a strong one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from detectors.campaigns.fusion import Fusion
from detectors.exchange.findings import KeyFinding
from detectors.interface.clock import HOUR_TICKS
from detectors.interface.detector import Evidence
from detectors.interface.family import Family
from detectors.interface.key_kinds import CROWD_ROOM, KINDS, ORG, TEMPLATE, unnamed

KeyId = tuple[int, int]  # kind, fingerprint
Covered = Callable[[int, Family], bool]  # does an allowance cover this family for this account?


class FlaggedKey(msgspec.Struct):
    """One flagged value: its newest report, each detector's strongest evidence, every member reported."""

    kind: int
    key: int
    value_fp: str
    by_detector: dict[str, Evidence]  # by the tag of the detector
    members: dict[int, None]  # in the order in which they were reported
    accounts: int
    weight: float
    dominant_org: int
    in_dominant_org: int
    reported_members: int
    first_seen: int
    last_seen: int
    requests: int
    output_tokens: int
    capabilities: tuple[int, ...]
    expires: int  # first tick in which it is no longer fresh
    campaign: str = ""

    @property
    def id(self) -> KeyId:
        """Kind and fingerprint."""
        return self.kind, self.key

    @property
    def evidence(self) -> Evidence:
        """The strongest of all detectors'."""
        return max(self.by_detector.values(), key=lambda e: (e.surprise, e.detector))

    @property
    def hard(self) -> bool:
        """Whether it links hard."""
        return KINDS[self.kind].hard


class Report(NamedTuple):
    """What a finding did: whether the key's links may differ, and which members stand otherwise."""

    key: FlaggedKey
    links: bool
    moved: list[int]


class FlaggedKeys:
    """Flagged keys by id, and the index from account to the keys it holds."""

    def __init__(self, rules: Fusion, member_cap: int, template_distance: int) -> None:
        self._rules = rules
        self._distance = template_distance
        self._templates: set[int] = set()
        self._most_members = member_cap * CROWD_ROOM
        self._ttl = round(rules.key_ttl_hours * HOUR_TICKS)
        self.keys: dict[KeyId, FlaggedKey] = {}
        self.held: dict[int, dict[KeyId, None]] = {}  # account -> its keys
        self.memberships = 0
        self.evicted = 0

    def restore(self, keys: list[FlaggedKey], evicted: int) -> None:
        """Go on from the keys that were flagged."""
        self.evicted = evicted
        for key in keys:
            self.keys[key.id] = key
            self.memberships += len(key.members)
            if key.kind == TEMPLATE:
                self._templates.add(key.key)
            for account in key.members:
                self.held.setdefault(account, {})[key.id] = None

    def report(self, finding: KeyFinding, tick: int) -> Report:
        """Take a finding in, and say what it changed."""
        if finding.kind == TEMPLATE:
            finding = self._representative(finding)
        known = self.keys.get((finding.kind, finding.key))
        if known is None:
            known = self._open(finding)
        linked, weight = self._linking(known), self._nats(known)
        for evidence in finding.evidence:
            before = known.by_detector.get(evidence.detector)
            if before is None or evidence.surprise >= before.surprise:
                known.by_detector[evidence.detector] = evidence
        if known.value_fp == unnamed(known.kind, known.key):
            known.value_fp = finding.value_fp
        known.accounts = max(known.accounts, finding.accounts)
        known.weight = finding.weight
        known.dominant_org = finding.dominant_org
        known.in_dominant_org = finding.in_dominant_org
        known.reported_members = len(finding.members)
        known.first_seen = min(known.first_seen, finding.first_seen)
        known.last_seen = max(known.last_seen, finding.last_seen)
        known.requests = finding.requests
        known.output_tokens = finding.output_tokens
        known.capabilities = finding.capabilities
        known.expires = tick + self._ttl
        joined = []
        for account in finding.members:
            if account not in known.members and len(known.members) < self._most_members:
                known.members[account] = None
                self.held.setdefault(account, {})[known.id] = None
                self.memberships += 1
                joined.append(account)
        changed = self._linking(known) != linked
        return Report(
            key=known,
            links=bool(joined) or changed,
            moved=list(known.members) if changed or self._nats(known) != weight else joined,
        )

    def _representative(self, finding: KeyFinding) -> KeyFinding:
        """The finding under the nearest template already flagged, where one is near enough.

        Bands and partitions each choose representatives of their own; to a reader, and to fusion,
        near-equal ones are one signal.
        """
        distance, nearest = min(
            (((finding.key ^ other).bit_count(), other) for other in self._templates),
            default=(self._distance + 1, 0),
        )
        if distance == 0 or distance > self._distance:
            return finding
        return msgspec.structs.replace(finding, key=nearest, value_fp=f"{nearest:016x}")

    def _linking(self, key: FlaggedKey) -> tuple[bool, bool, bool]:
        strong = key.evidence.surprise >= self._rules.family_floor_nats
        return strong, self.is_organisation(key), self.is_hub(key)

    def _nats(self, key: FlaggedKey) -> int:
        """Strength in whole nats up to the cap: what is finer or beyond changes no verdict."""
        return int(min(key.evidence.surprise, self._rules.family_cap_nats))

    def _open(self, finding: KeyFinding) -> FlaggedKey:
        known = FlaggedKey(
            kind=finding.kind,
            key=finding.key,
            value_fp=finding.value_fp,
            by_detector={e.detector: e for e in finding.evidence},
            members={},
            accounts=0,
            weight=0.0,
            dominant_org=0,
            in_dominant_org=0,
            reported_members=0,
            first_seen=finding.first_seen,
            last_seen=finding.last_seen,
            requests=0,
            output_tokens=0,
            capabilities=(),
            expires=0,
        )
        self.keys[known.id] = known
        if known.kind == TEMPLATE:
            self._templates.add(known.key)
        return known

    def over_budget(self) -> list[KeyId]:
        """The weakest keys, which must go for the budgets to hold; empty as a rule."""
        rules = self._rules
        keys, members = len(self.keys), self.memberships
        if keys <= rules.key_budget and members <= rules.member_budget:
            return []
        gone: list[KeyId] = []
        order = sorted(self.keys.values(), key=lambda k: (k.evidence.surprise, k.expires, k.id))
        for key in order:
            if keys <= rules.key_budget and members <= rules.member_budget:
                break
            gone.append(key.id)
            keys -= 1
            members -= len(key.members)
        self.evicted += len(gone)
        return gone

    def drop(self, key_id: KeyId) -> FlaggedKey:
        """Forget a key."""
        key = self.keys.pop(key_id)
        if key.kind == TEMPLATE:
            self._templates.discard(key.key)
        for account in key.members:
            held = self.held[account]
            del held[key_id]
            if not held:
                del self.held[account]
        self.memberships -= len(key.members)
        return key

    def erase(self, account: int) -> list[KeyId]:
        """Erase a member; gives the keys it was a member of."""
        held = list(self.held.pop(account, ()))
        for key_id in held:
            del self.keys[key_id].members[account]
        self.memberships -= len(held)
        return held

    def is_organisation(self, key: FlaggedKey) -> bool:
        """Whether its holders are colleagues rather than strangers."""
        if key.kind == ORG:
            return True
        if not key.dominant_org or not key.reported_members:
            return False
        return key.in_dominant_org >= self._rules.organisation_share * key.reported_members

    def is_hub(self, key: FlaggedKey) -> bool:
        """Whether so many hold it that it says nothing about two of them: never of a card or a device."""
        return not key.hard and key.accounts > self._rules.hub_accounts

    def linking_members(self, key: FlaggedKey, covered: Covered | None) -> list[int] | None:
        """The members that this key may link, sorted; None where it links nobody.

        Members under an allowance are left out; where they are half of all or more, the finding
        was about them, and the key is void.
        """
        if self.is_organisation(key) or self.is_hub(key):
            return None
        if key.evidence.surprise < self._rules.family_floor_nats:
            return None
        members = sorted(key.members)
        if covered is not None:
            family = KINDS[key.kind].family
            free = [a for a in members if not covered(a, family)]
            if 2 * len(free) <= len(members):
                return None
            members = free
        return members if len(members) >= 2 else None
