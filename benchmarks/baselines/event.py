"""What a baseline hears and says: events as structs, alerts as mappings of the contract's fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
REMEMBERED_IDS = 1 << 19


class Event(msgspec.Struct):
    """The properties of a request event that baselines read; None is not known."""

    event_id: str
    event_time: int
    account_id: str
    input_tokens: int | None
    output_tokens: int | None
    payment_fp: str | None = None
    device_fp: str | None = None
    ip_prefix_fp: str | None = None
    system_fp: str | None = None
    status: int | None = None
    cot_score: float | None = None


class Baseline(Protocol):
    """Hears events in the order of their arrival and gives alert records as it decides."""

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Take a batch; what is returned depends on no later one."""
        ...


class Reader:
    """Decodes record values for all baselines, and drops what was redelivered."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(Event)
        self._recent: set[str] = set()
        self._before: set[str] = set()

    def read(self, values: Iterable[bytes]) -> list[Event]:
        """Give each readable event that is not among the last half million to a million."""
        return list(self._fresh(values))

    def _fresh(self, values: Iterable[bytes]) -> Iterator[Event]:
        decode = self._decoder.decode
        for value in values:
            try:
                event = decode(value)
            except msgspec.DecodeError:
                continue
            if event.event_id in self._recent or event.event_id in self._before:
                continue
            self._recent.add(event.event_id)
            if len(self._recent) >= REMEMBERED_IDS:
                self._recent, self._before = set(), self._recent
            yield event


class Voice:
    """Names accounts, each once and for good, at the greatest event time heard so far."""

    def __init__(self) -> None:
        self.now = 0
        self._named: set[str] = set()
        self._said: list[dict[str, Any]] = []

    def name(self, account: str, campaign: str | None = None) -> None:
        """Advise to throttle the account, unless that was said before."""
        if account in self._named:
            return
        self._named.add(account)
        self._said.append(
            {
                "alert_id": f"acc-{account}",
                "revision": 1,
                "kind": "account",
                "account_id": account,
                "campaign_id": campaign,
                "state": "open",
                "as_of": self.now,
                "severity": "medium",
                "action": "throttle",
            }
        )

    def merge(self, campaign: str, into: str) -> None:
        """Say that one campaign turned out to be another."""
        self._said.append(
            {
                "alert_id": f"net-{campaign}",
                "revision": 1,
                "kind": "network",
                "campaign_id": campaign,
                "merged_into": into,
                "state": "resolved",
                "as_of": self.now,
                "severity": "medium",
                "action": "observe",
            }
        )

    def said(self) -> list[dict[str, Any]]:
        """Give what was said since the last call."""
        said, self._said = self._said, []
        return said
