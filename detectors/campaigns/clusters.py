"""Which accounts act as one: components of flagged keys that share members, under lasting ids.

See `detectors.campaigns.components`. Organisations, hubs and keys under an allowance link nobody. But a hub
that most of a campaign hold, and that few hold beside it, is not public: it is the campaign's own.

Only what changed is grouped anew: the changed keys, the campaigns they belong to, and those of the
keys their members hold. Each account and each membership of that region is looked at once.

A campaign keeps its id while it grows. Of the parts of one that falls apart, the one with most of
its founders keeps the id; of campaigns that become one, the oldest keeps its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from detectors.campaigns.components import components, counted
from detectors.campaigns.flagged_values import Covered, FlaggedKey, FlaggedKeys, KeyId
from detectors.campaigns.fusion import Fusion, group_of
from detectors.contract.alert import Role
from detectors.interface.key_kinds import KINDS


class Campaign(msgspec.Struct):
    """A component of flagged keys under a stable id; `groups` are its signal groups."""

    id: str
    founded: int
    founders: frozenset[int]
    keys: tuple[KeyId, ...]
    members: dict[int, Role]
    groups: frozenset[str]
    split_from: str = ""
    colleagues: bool | None = None  # whether most members are of one organisation, once asked


class Change(msgspec.Struct):
    """What one regrouping did: campaigns made or kept, those that ended (into which), who moved."""

    campaigns: set[str]
    ended: dict[str, str]
    accounts: set[int]


class CampaignBook:
    """All campaigns, and which of them each account belongs to."""

    def __init__(self, rules: Fusion, flagged: FlaggedKeys) -> None:
        self._rules = rules
        self._flagged = flagged
        self.campaigns: dict[str, Campaign] = {}
        self.belongs: dict[int, set[str]] = {}

    def restore(self, campaigns: list[Campaign]) -> None:
        """Go on from the campaigns that stood."""
        for campaign in campaigns:
            self.campaigns[campaign.id] = campaign
            for account in campaign.members:
                self.belongs.setdefault(account, set()).add(campaign.id)

    def home(self, account: int) -> Campaign | None:
        """The campaign that an account is judged in: core before peripheral, then the largest."""
        homes = [self.campaigns[c] for c in self.belongs.get(account, ())]
        if not homes:
            return None
        return min(
            homes,
            key=lambda c: (c.members[account] != "core", -len(c.groups), -len(c.members), c.id),
        )

    def erase(self, account: int) -> set[str]:
        """Erase a member, before its keys are grouped anew; gives the campaigns it was in."""
        homes = self.belongs.pop(account, set())
        for home in homes:
            campaign = self.campaigns[home]
            campaign.members.pop(account)
            campaign.colleagues = None
        for campaign in self.campaigns.values():
            if account in campaign.founders:
                campaign.founders -= {account}
        return homes

    def ask_again(self, accounts: set[int]) -> None:
        """Accounts have other organisations: whether a campaign is of colleagues is open again."""
        for account in accounts & self.belongs.keys():
            for campaign in self.belongs[account]:
                self.campaigns[campaign].colleagues = None

    def regroup(
        self, dirty: set[KeyId], left: set[str], tick: int, covered: Covered | None
    ) -> Change:
        """Group anew around changed keys; `left` are campaigns that lost a key for good."""
        olds = self._region(dirty, left)
        keys = {k for c in olds for k in self.campaigns[c].keys if k in self._flagged.keys}
        keys |= {k for k in dirty if k in self._flagged.keys}
        members = {}
        for key_id in sorted(keys):
            linking = self._flagged.linking_members(self._flagged.keys[key_id], covered)
            if linking is not None:
                members[key_id] = linking
            self._flagged.keys[key_id].campaign = ""
        members = counted(members)
        parts = components(members, self._rules)
        hubs = {k for k, key in self._flagged.keys.items() if self._flagged.is_hub(key)}
        if hubs:
            parts = [sorted(part + self._own_hubs(part, members, hubs, covered)) for part in parts]
        return self._name(sorted(olds), parts, members, tick)

    def _region(self, dirty: set[KeyId], left: set[str]) -> set[str]:
        olds = {c for c in left if c in self.campaigns}
        seen: set[int] = set()
        for key_id in dirty:
            key = self._flagged.keys.get(key_id)
            if key is None:
                continue
            if key.campaign:
                olds.add(key.campaign)
            if self._flagged.is_hub(key):
                homes = {c for a in key.members for c in self.belongs.get(a, ())}
                olds |= {c for c in homes if self._most(len(self.campaigns[c].members), key)}
            elif not self._flagged.is_organisation(key):
                seen.update(key.members)
        # Once for each value that any of them holds, however many of them hold it.
        others: set[KeyId] = set()
        for account in seen:
            others.update(self._flagged.held[account])
        return olds | {c for other in others if (c := self._flagged.keys[other].campaign)}

    def _most(self, inside: int, key: FlaggedKey) -> bool:
        """Whether so many are most of who hold a value, by counts: not all are listed."""
        return inside >= self._rules.company_share * key.accounts

    def _own_hubs(
        self,
        part: list[KeyId],
        members: dict[KeyId, list[int]],
        hubs: set[KeyId],
        covered: Covered | None,
    ) -> list[KeyId]:
        """The hubs that are a component's own; they bring it no members."""
        inside = {a for key_id in part for a in members[key_id]}
        held: dict[KeyId, list[int]] = {}
        for account in sorted(inside):
            for key_id in self._flagged.held[account].keys() & hubs:
                if covered is None or not covered(account, KINDS[key_id[0]].family):
                    held.setdefault(key_id, []).append(account)
        own = []
        for key_id, holders in held.items():
            key = self._flagged.keys[key_id]
            listed = min(len(inside), len(key.members))
            strong = key.evidence.surprise >= self._rules.family_floor_nats
            shared = len(holders) >= self._rules.company_share * listed
            if strong and shared and self._most(len(inside), key):
                members[key_id] = holders
                own.append(key_id)
        return own

    def _name(
        self,
        olds: list[str],
        parts: list[list[KeyId]],
        members: dict[KeyId, list[int]],
        tick: int,
    ) -> Change:
        before = {c: self.campaigns.pop(c) for c in olds}
        everyone = [{a for k in part for a in members[k]} for part in parts]
        parts_of = _places(everyone)
        part_with = {key_id: i for i, part in enumerate(parts) for key_id in part}
        kept: dict[int, str] = {}
        heir: dict[str, int] = {}
        for old in sorted(before.values(), key=lambda c: (c.founded, c.id)):
            # Most founders; among equals the part that has most of its keys, or a small campaign
            # inside a large one would be named anew whenever the large one changes.
            kin = Counter(part_with[k] for k in set(old.keys) if k in part_with)
            inside = _met(old.founders, parts_of)
            if not inside:  # no founder is left: it lives on where its last members are
                inside = _met(old.members, parts_of)
            if inside:
                best = min(inside, key=lambda i: (-inside[i], -kin[i], i))
                heir[old.id] = best
                kept.setdefault(best, old.id)
        homes = _places([old.members for old in before.values()])
        names = list(before)
        change = Change(set(), {}, set())
        for i, part in enumerate(parts):
            campaign = self._campaign(part, members)
            if i in kept:
                old = before[kept[i]]
                campaign.id, campaign.founded = old.id, old.founded
                campaign.founders, campaign.split_from = old.founders, old.split_from
            else:
                campaign.founded, campaign.founders = tick, frozenset(everyone[i])
                campaign.id = campaign_id(campaign.founders, tick)
                shares = _met(everyone[i], homes)
                parent = min(shares, key=lambda n: (-shares[n], names[n]), default=None)
                campaign.split_from = "" if parent is None else names[parent]
            self.campaigns[campaign.id] = campaign
            change.campaigns.add(campaign.id)
            for key_id in part:
                self._flagged.keys[key_id].campaign = campaign.id
        for old_id in olds:
            if old_id not in self.campaigns:
                into = kept.get(heir[old_id], "") if old_id in heir else ""
                change.ended[old_id] = into
        self._rehome(before, change)
        return change

    def _campaign(self, part: list[KeyId], members: dict[KeyId, list[int]]) -> Campaign:
        groups = frozenset(group_of(kind, KINDS[kind].family) for kind, _ in part)
        held: dict[int, set[str]] = {}
        hard: set[int] = set()
        for key_id in part:
            for account in members[key_id]:
                held.setdefault(account, set()).add(group_of(key_id[0], KINDS[key_id[0]].family))
            if KINDS[key_id[0]].hard:
                hard.update(members[key_id])
        roles: dict[int, Role] = {}
        alone = len(groups) == 1
        for account in sorted(held):
            if account in hard:  # of what anybody can copy nobody is core, however much it is
                roles[account] = "core"
            elif alone or len(held[account]) >= 2:
                roles[account] = "peripheral"
        # A holder of one soft value alone belongs only where most who hold it do.
        sure = roles.keys() | set()
        for key_id in part:
            inside = sum(a in sure for a in members[key_id])
            if inside >= self._rules.company_share * len(members[key_id]):
                for account in members[key_id]:
                    roles.setdefault(account, "peripheral")
        return Campaign(
            id="", founded=0, founders=frozenset(), keys=tuple(part), members=roles, groups=groups
        )

    def _rehome(self, before: dict[str, Campaign], change: Change) -> None:
        """Update which campaigns accounts belong to, and note the accounts whose standing moved."""
        was: dict[int, list[tuple[str, Role]]] = {}
        for old in before.values():
            for account, role in old.members.items():
                was.setdefault(account, []).append((old.id, role))
                homes = self.belongs[account]
                homes.discard(old.id)
                if not homes:
                    del self.belongs[account]
        now: dict[int, list[tuple[str, Role]]] = {}
        for campaign_id_ in change.campaigns:
            campaign = self.campaigns[campaign_id_]
            for account, role in campaign.members.items():
                now.setdefault(account, []).append((campaign.id, role))
                self.belongs.setdefault(account, set()).add(campaign.id)
            old_one = before.get(campaign_id_)
            crowd = _crowd(self._rules, len(campaign.members))
            if old_one is None or _crowd(self._rules, len(old_one.members)) != crowd:
                change.accounts.update(campaign.members)
        for account in was.keys() | now.keys():
            if sorted(was.get(account, [])) != sorted(now.get(account, [])):
                change.accounts.add(account)


def campaign_id(founders: frozenset[int], tick: int) -> str:
    """Digest of founding members and tick."""
    digest = hashlib.sha256(tick.to_bytes(8, "big"))
    for account in sorted(founders):
        digest.update(account.to_bytes(8, "big"))
    return "camp-" + digest.hexdigest()[:16]


def _places(groups: Iterable[Iterable[int]]) -> dict[int, list[int]]:
    """By account, the places of the groups it is in."""
    places: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        for account in group:
            places.setdefault(account, []).append(place)
    return places


def _met(accounts: Iterable[int], places: Mapping[int, list[int]]) -> Counter[int]:
    """How many of these accounts each group has, of those that have any."""
    return Counter(place for account in accounts for place in places.get(account, ()))


def _crowd(rules: Fusion, size: int) -> int:
    """Class of size, by the sizes at which verdicts change."""
    return (size >= rules.restrict_size) + (size >= rules.suspend_size) + (size >= 100)
