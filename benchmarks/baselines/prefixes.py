"""Accounts per address prefix: everybody behind an address that too many share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.baselines.event import DAY_MS, Event, Voice


class AccountsPerPrefix:
    """Names all accounts that were seen behind one prefix in a UTC day once they are `accounts`."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts
        self._voice = Voice()
        self._day = 0
        self._behind: dict[str, set[str]] = {}

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Keep who is behind which prefix today."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            day = self._voice.now // DAY_MS
            if day != self._day:
                self._day = day
                self._behind.clear()
            prefix = event.ip_prefix_fp
            if not prefix:
                continue
            behind = self._behind.setdefault(prefix, set())
            if event.account_id in behind:
                continue
            behind.add(event.account_id)
            if len(behind) == self._accounts:
                for account in sorted(behind):
                    self._voice.name(account, prefix)
            elif len(behind) > self._accounts:
                self._voice.name(event.account_id, prefix)
        return self._voice.said()
