"""What attackers that adapt make of the actions against them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from worlds.compose import Cast
from worlds.plan import Planned, units

_ACTIVE = ("open", "updated", "escalated")


class Feedback:
    """Takes alerts, lets the pieces concerned react, and says which planned requests still come.

    An alert that is renewed is no news: accounts react once to each action of each alert.
    """

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._account = {
            f"a-{cast.names[account]:016x}": account
            for group in cast.groups
            if group.piece and group.piece.adapt
            for account in range(group.first, group.last)
        }
        self._seen: set[tuple[str, str]] = set()
        self._reacted = False

    def tell(self, alerts: Iterable[Mapping[str, Any]]) -> None:
        """React to alert records; those about others, or that advise only to observe, are ignored."""
        for alert in alerts:
            action = alert.get("action", "observe")
            account = self._account.get(alert.get("account_id") or "")
            news = (str(alert.get("alert_id")), action)
            if account is None or action == "observe" or alert.get("state") not in _ACTIVE:
                continue
            if news in self._seen:
                continue
            self._seen.add(news)
            self._reacted = True
            for group in self._cast.groups:
                if group.first <= account < group.last and group.piece and group.piece.adapt:
                    table = self._cast.actors[group.begin : group.end]
                    rows = np.flatnonzero(table["account"] == account)
                    group.piece.adapt(group.ground, table, rows, int(alert["as_of"]), action)

    def still_sent(self, planned: Planned) -> Planned:
        """Leave out what an actor no longer sends since it was planned."""
        if not self._reacted:
            return planned
        own = self._cast.actors[planned["actor"]]
        kept = units(planned["key"], 15) < own["keep"]
        return planned[kept & (planned["time"] < own["ends"])]
