"""Never and Coin: what silence and chance score on a world."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from benchmarks.baselines.event import Event, Voice


class Never:
    """Names nobody."""

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Say nothing."""
        return []


class Coin:
    """Names a fixed share of accounts at their first event, whatever they do."""

    def __init__(self, share: float) -> None:
        self._below = int(share * 2**64)
        self._voice = Voice()
        self._seen: set[str] = set()

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Toss once for every account that is new."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            if event.account_id not in self._seen:
                self._seen.add(event.account_id)
                # by a digest: the same accounts in every run
                digest = hashlib.blake2b(event.account_id.encode(), digest_size=8).digest()
                if int.from_bytes(digest, "big") < self._below:
                    self._voice.name(event.account_id)
        return self._voice.said()
