"""What a world knows about itself: who is who, what each campaign did. For scoring only.

    {"version": 1, "preset": name or null, "seed", "start_ms", "end_ms",
     "accounts": {account_id: {"label": "benign" or "attack", "scenario": "B4" or null,
                               "kind", "campaign": name or null, "since": ms or absent}},
     "campaigns": [{"campaign", "scenario", "accounts", "requests", "first_event", "last_event"}],
     "requests", "redelivered", "lost", "late"}

An account is an attack's if anything it sends is sent for a campaign, also where its owner is
innocent (a compromised account, a stolen key): to name it is right, and protects the owner.
`since` is the account's first request for the campaign. Before it, the account was innocent. A
campaign's accounts come in the order of first use; its requests, each event once, are those sent
for it, not what a genuine owner or a customer of the proxy sends through the same accounts. Stock
that a campaign never used is not in the world. Times are event times in ms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from worlds.compose import Cast
from worlds.delivery import LATE_AFTER_MS
from worlds.draw import Requests
from worlds.piece import ATTACK

_NEVER = 1 << 62


class Ledger:
    """Counts what was delivered, slice by slice, in columns by account."""

    def __init__(self, cast: Cast) -> None:
        accounts = len(cast.names)
        self._cast = cast
        self._requests = np.zeros(accounts, dtype=np.int64)  # for a campaign
        self._first = np.full(accounts, _NEVER, dtype=np.int64)
        self._last = np.full(accounts, -1, dtype=np.int64)
        self._totals = {"requests": 0, "redelivered": 0, "late": 0}

    def add(self, rows: Requests) -> None:
        """Count the rows of a slice."""
        again = int(rows["again"].sum())
        late = ~rows["again"] & (rows["ingest"] - rows["time"] > LATE_AFTER_MS)
        self._totals["redelivered"] += again
        self._totals["requests"] += len(rows) - again
        self._totals["late"] += int(late.sum())
        theirs = rows[rows["guilty"] & ~rows["again"]]
        account = self._cast.actors["account"][theirs["actor"]]
        self._requests += np.bincount(account, minlength=len(self._requests))
        np.minimum.at(self._first, account, theirs["time"])
        np.maximum.at(self._last, account, theirs["time"])

    def truth(self, preset: str | None, seed: int, lost: int) -> dict[str, Any]:
        """Describe the accounts and campaigns, ready for JSON."""
        ids = [f"a-{name:016x}" for name in self._cast.names.tolist()]
        accounts: dict[str, dict[str, Any]] = {}
        campaigns = []
        for group in self._cast.groups:
            members = np.arange(group.first, group.last)
            if group.label == ATTACK:
                members = members[self._requests[members] > 0]
                members = members[np.argsort(self._first[members], kind="stable")]
                campaigns.append(self._campaign(group.campaign, group.code, ids, members))
            for account in members.tolist():
                accounts[ids[account]] = {
                    "label": group.label,
                    "scenario": group.code,
                    "kind": group.kind,
                    "campaign": group.campaign,
                }
                if group.label == ATTACK:
                    accounts[ids[account]]["since"] = int(self._first[account])
        period = self._cast.period
        head = {"version": 1, "preset": preset, "seed": seed}
        return {
            **head,
            "start_ms": period.start,
            "end_ms": period.end,
            "accounts": accounts,
            "campaigns": campaigns,
            **self._totals,
            "lost": lost,
        }

    def _campaign(
        self, name: str | None, code: str | None, ids: list[str], members: Any
    ) -> dict[str, Any]:
        return {
            "campaign": name,
            "scenario": code,
            "accounts": [ids[account] for account in members.tolist()],
            "requests": int(self._requests[members].sum()),
            "first_event": int(self._first[members].min()) if len(members) else None,
            "last_event": int(self._last[members].max()) if len(members) else None,
        }
