"""Who is who in a world, as its truth file (version 1) says: the side a scorer must be on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

VERSION = 1
ORDINARY = "ordinary"
# Cost-sharing breaks the terms and is no extraction: neither right nor wrong to name.
GREY = frozenset({"B21"})
# Genuine accounts and keys that were taken over: to accuse one before that is as wrong as any.
HIJACKED = frozenset({"A12", "A18"})
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Campaign:
    """One attack: its accounts, and its first and last request (event time, ms; None: none)."""

    name: str
    scenario: str
    accounts: tuple[str, ...]
    first_event: int | None
    last_event: int | None


@dataclass(frozen=True)
class Who:
    """A world's accounts by what they are.

    `look_alike`: the code of each benign account. `of`: the campaign of each attacker, `since`: its
    first request for it (event time, ms). `ignored`: accounts of scenarios that were left out.
    """

    look_alike: Mapping[str, str]
    campaigns: tuple[Campaign, ...]
    of: Mapping[str, Campaign]
    since: Mapping[str, int]
    ignored: frozenset[str]
    requests: int
    start_ms: int
    end_ms: int

    @property
    def days(self) -> float:
        """The world's length."""
        return max((self.end_ms - self.start_ms) / DAY_MS, 1e-9)

    @property
    def benign(self) -> int:
        """How many accounts must not be named."""
        return sum(code not in GREY for code in self.look_alike.values())

    def class_sizes(self) -> Counter[str]:
        """Accounts per look-alike, `ordinary` among them."""
        return Counter(self.look_alike.values())

    def guilty(self, account: str, at: int) -> bool:
        """Whether naming the account at that moment names an attacker."""
        campaign = self.of.get(account)
        if campaign is None:
            return False
        if campaign.scenario in HIJACKED:
            return at >= self.since[account]
        return True


def who(truth: Mapping[str, Any], without: Collection[str] = ()) -> Who:
    """Read a truth mapping; accounts of the scenarios in `without` are judged neither way.

    Raises ValueError where the mapping is no truth of version 1.
    """
    if truth.get("version") != VERSION:
        raise ValueError(
            f"truth: 'version' is {truth.get('version')!r}; this scorer reads version {VERSION}: "
            "write the file anew with `hydrawatch simulate --truth`"
        )
    ignored = set()
    look_alike = {}
    for account, facts in truth["accounts"].items():
        if facts["label"] == "attack":
            continue
        code = facts["scenario"] or ORDINARY
        if code in without:
            ignored.add(account)
        else:
            look_alike[account] = code
    campaigns = []
    for entry in truth["campaigns"]:
        if entry["scenario"] in without:
            ignored.update(entry["accounts"])
            continue
        campaigns.append(
            Campaign(
                name=entry["campaign"],
                scenario=entry["scenario"],
                accounts=tuple(entry["accounts"]),
                first_event=entry["first_event"],
                last_event=entry["last_event"],
            )
        )
    of = {account: campaign for campaign in campaigns for account in campaign.accounts}
    return Who(
        look_alike=look_alike,
        campaigns=tuple(campaigns),
        of=of,
        since={
            account: truth["accounts"][account].get("since", campaign.first_event or 0)
            for account, campaign in of.items()
        },
        ignored=frozenset(ignored),
        requests=truth["requests"],
        start_ms=truth["start_ms"],
        end_ms=truth["end_ms"],
    )
