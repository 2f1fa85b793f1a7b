"""HalfSpaceTrees (River) over what each account did in a day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from river.anomaly import HalfSpaceTrees

from benchmarks.baselines.event import DAY_MS, HOUR_MS, MINUTE_MS, Event, Voice

LATENESS_MS = 10 * MINUTE_MS
ERROR_STATUS = 400


class _Day:
    __slots__ = ("errors", "hours", "inputs", "outputs", "prefixes", "requests")

    def __init__(self) -> None:
        self.requests = self.inputs = self.outputs = self.errors = self.hours = 0
        self.prefixes: set[str] = set()

    def features(self) -> dict[str, float]:
        """Seven numbers from 0 to 1, as half-space trees want them."""
        return {
            "requests": _scaled(self.requests, 10_000),
            "inputs": _scaled(self.inputs / self.requests, 200_000),
            "outputs": _scaled(self.outputs / self.requests, 32_000),
            "ratio": self.outputs / max(1, self.inputs + self.outputs),
            "hours": self.hours.bit_count() / 24,
            "prefixes": _scaled(len(self.prefixes), 1_000),
            "errors": self.errors / self.requests,
        }


class AccountTrees:
    """Names an account whose day the trees score above `threshold`.

    One forest of River's over all accounts' days, scored first and learnt after: an account has too
    few days to grow one of its own (Tan, Ting and Liu, 2011).
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._trees = HalfSpaceTrees(n_trees=25, height=8, window_size=1_000, seed=7)
        self._voice = Voice()
        self._days: dict[int, dict[str, _Day]] = {}
        self._open = 0

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Add up each account's day; judge all of a day when it has closed."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            open_day = (self._voice.now - LATENESS_MS) // DAY_MS
            if open_day > self._open:
                self._open = open_day
                for day in sorted(d for d in self._days if d < open_day):
                    self._judge(self._days.pop(day))
            day = event.event_time // DAY_MS
            if day >= open_day:
                self._add(self._days.setdefault(day, {}), event)
        return self._voice.said()

    def _add(self, accounts: dict[str, _Day], event: Event) -> None:
        day = accounts.get(event.account_id)
        if day is None:
            day = accounts[event.account_id] = _Day()
        day.requests += 1
        if event.input_tokens is not None and event.output_tokens is not None:
            day.inputs += event.input_tokens
            day.outputs += event.output_tokens
        day.errors += (event.status or 0) >= ERROR_STATUS
        day.hours |= 1 << (event.event_time % DAY_MS // HOUR_MS)
        if event.ip_prefix_fp:
            day.prefixes.add(event.ip_prefix_fp)

    def _judge(self, accounts: dict[str, _Day]) -> None:
        for account in sorted(accounts):
            features = accounts[account].features()
            if self._trees.score_one(features) > self._threshold:
                self._voice.name(account)
            self._trees.learn_one(features)


def _scaled(value: float, most: float) -> float:
    return min(math.log1p(value) / math.log1p(most), 1.0)
