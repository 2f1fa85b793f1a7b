"""What was said about whom: alert records read once, in order, into accusations and spells.

An accusation is a record that raises what is advised for an account above what stood before. Words
that merely repeat are renewals. A retraction takes the credit back; the accusation stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ACTIONS = ("observe", "throttle", "verify", "restrict", "suspend")
RANK = {action: rank for rank, action in enumerate(ACTIONS)}
ACTING = ACTIONS[1:]
FOREVER = 1 << 62


class Accusation(NamedTuple):
    """Advice for an account that rose from one action to a harder one, at an event time in ms."""

    account: str
    at: int
    below: int
    rank: int

    def reaches(self, action: str) -> bool:
        """Whether with this the advice came to be the action or a harder one."""
        return self.below < RANK[action] <= self.rank


@dataclass
class Ledger:
    """Everything a scorer wants to know of a stream of alerts; it grows with accounts, not records.

    `spells`: per account, from when until when (ms) it stood named, that is advised to be acted
    on; only a retraction ends one. `cluster`: the campaign_id that its last acting record gave.
    `ids`: all that acting records ever gave. `news`: records that were no renewal, per campaign_id
    (kind network) and per account. `merged`: which campaign_id took over which.
    """

    accusations: list[Accusation] = field(default_factory=list)
    spells: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    cluster: dict[str, str | None] = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    network_news: Counter[str] = field(default_factory=Counter)
    account_news: Counter[str] = field(default_factory=Counter)
    renewals: int = 0
    merged: dict[str, str] = field(default_factory=dict)
    _standing: dict[str, int] = field(default_factory=dict)
    _last: dict[str, tuple[str, str]] = field(default_factory=dict)
    _acted: set[str] = field(default_factory=set)
    _withdrawn: set[str] = field(default_factory=set)

    def take(self, alert: Mapping[str, Any]) -> None:
        """Read one record more; records come in order of `as_of`."""
        identity, state = str(alert["alert_id"]), alert["state"]
        said = (alert["action"], alert.get("severity", ""))
        renewal = state == "updated" and self._last.get(identity) == said
        self._last[identity] = said
        self.renewals += renewal
        if alert["kind"] == "network":
            campaign = str(alert["campaign_id"])
            self.network_news[campaign] += not renewal
            if alert.get("merged_into"):
                self.merged[campaign] = str(alert["merged_into"])
            return
        account = str(alert["account_id"])
        self.account_news[account] += not renewal
        self._about(account, alert)
        if RANK[alert["action"]]:
            self._acted.add(identity)
        if state == "retracted" and identity in self._acted:
            self._withdrawn.add(identity)

    @property
    def acting(self) -> int:
        """Account alerts that ever advised to act."""
        return len(self._acted)

    @property
    def retracted(self) -> int:
        """Those of them that were withdrawn."""
        return len(self._withdrawn)

    def _about(self, account: str, alert: Mapping[str, Any]) -> None:
        at, rank = int(alert["as_of"]), RANK[alert["action"]]
        before = self._standing.get(account, 0)
        self._standing[account] = rank
        spells = self.spells.setdefault(account, []) if rank else self.spells.get(account, [])
        named = bool(spells) and spells[-1][1] == FOREVER
        if rank > before:
            self.accusations.append(Accusation(account, at, before, rank))
        if rank:
            if not named:
                spells.append((at, FOREVER))
            campaign = alert.get("campaign_id")
            self.cluster[account] = campaign
            if campaign is not None:
                self.ids.setdefault(account, set()).add(campaign)
        elif alert["state"] == "retracted" and named:
            spells[-1] = (spells[-1][0], at)

    def stands(self, account: str) -> bool:
        """Whether in the end the account is named and this was not taken back."""
        spells = self.spells.get(account, [])
        return bool(spells) and spells[-1][1] == FOREVER

    def final_cluster(self, account: str) -> str | None:
        """The campaign_id of a named account, after all mergers."""
        found = self.cluster.get(account)
        seen = set()
        while found is not None and found in self.merged and found not in seen:
            seen.add(found)
            found = self.merged[found]
        return found


def read(alerts: Iterable[Mapping[str, Any]]) -> Ledger:
    """Read alert records (alert contract, version 1, as parsed JSON) in any order."""
    ledger = Ledger()
    for alert in sorted(alerts, key=lambda a: (int(a["as_of"]), int(a.get("revision", 1)))):
        ledger.take(alert)
    return ledger
