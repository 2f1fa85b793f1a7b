"""Union-find on what accounts share: plain, and with a cap on how many accounts a value links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.baselines.event import Event, Voice

FIELDS = {
    "card": "payment_fp",
    "device": "device_fp",
    "prefix": "ip_prefix_fp",
    "system prompt": "system_fp",
}
USUAL = "card, device, prefix"


class Components:
    """Names every account of a connected component that has `size` accounts or more.

    Two accounts are connected by any value that they share of the fields `on` (names of FIELDS). With
    a `cap`, a value connects nobody further once more than `cap` accounts hold it. Links are never
    taken back: union-find cannot.
    """

    def __init__(self, size: int, cap: int | None = None, on: str = USUAL) -> None:
        self._fields = tuple(FIELDS[name] for name in on.split(", "))
        self._size = size
        self._cap = cap
        self._voice = Voice()
        self._parent: dict[str, str] = {}
        self._members: dict[str, list[str]] = {}
        self._holders: dict[tuple[str, str], tuple[str, int]] = {}
        self._held: set[tuple[str, str, str]] = set()

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Join each account to the first that held its values."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            account = event.account_id
            if account not in self._parent:
                self._parent[account] = account
                self._members[account] = [account]
            for kind in self._fields:
                value = getattr(event, kind)
                if value and (account, kind, value) not in self._held:
                    self._held.add((account, kind, value))
                    self._link(account, kind, value)
        return self._voice.said()

    def _link(self, account: str, kind: str, value: str) -> None:
        first, holders = self._holders.get((kind, value), (account, 0))
        self._holders[kind, value] = first, holders + 1
        if holders and (self._cap is None or holders < self._cap):
            self._join(self._root(first), self._root(account))

    def _root(self, account: str) -> str:
        parent = self._parent
        while parent[account] != account:
            parent[account] = parent[parent[account]]
            account = parent[account]
        return account

    def _join(self, one: str, other: str) -> None:
        if one == other:
            return
        large, small = (
            (one, other) if len(self._members[one]) >= len(self._members[other]) else (other, one)
        )
        known_large = len(self._members[large]) >= self._size
        known_small = len(self._members[small]) >= self._size
        joining = self._members.pop(small)
        self._parent[small] = large
        self._members[large] += joining
        if len(self._members[large]) < self._size:
            return
        if known_small:
            self._voice.merge(small, large)
        for account in joining if known_large else self._members[large]:
            self._voice.name(account, large)
