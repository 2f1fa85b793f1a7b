"""One account's volume: a limit that is the same for all, and a deviation from its own past."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from benchmarks.baselines.event import DAY_MS, Event, Voice


class RateLimit:
    """Names an account that makes more than `per_day` requests in a UTC day."""

    def __init__(self, per_day: int) -> None:
        self._per_day = per_day
        self._voice = Voice()
        self._days: dict[str, tuple[int, int]] = {}

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Count each account's day."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            day = event.event_time // DAY_MS
            known, count = self._days.get(event.account_id, (day, 0))
            if day < known:
                continue
            count = count + 1 if day == known else 1
            self._days[event.account_id] = day, count
            if count > self._per_day:
                self._voice.name(event.account_id)
        return self._voice.said()


class _Past:
    __slots__ = ("count", "day", "limit", "mean", "n", "squares")

    def __init__(self, day: int) -> None:
        self.day, self.count, self.limit = day, 0, math.inf
        self.n, self.mean, self.squares = 0, 0.0, 0.0


class OwnPast:
    """Names an account whose day lies `z` standard deviations above its own active days.

    On log(1 + requests), which is nearly normal where volume is heavy-tailed; silent until an
    account has `min_days` active days behind it.
    """

    min_days = 4
    least_deviation = 0.1  # a perfectly regular account may still vary a little

    def __init__(self, z: float) -> None:
        self._z = z
        self._voice = Voice()
        self._pasts: dict[str, _Past] = {}

    def observe(self, events: Sequence[Event]) -> list[dict[str, Any]]:
        """Count each account's day against the limit that its past days set."""
        for event in events:
            self._voice.now = max(self._voice.now, event.event_time)
            day = event.event_time // DAY_MS
            past = self._pasts.get(event.account_id)
            if past is None:
                past = self._pasts[event.account_id] = _Past(day)
            if day < past.day:
                continue
            if day > past.day:
                self._close(past, day)
            past.count += 1
            if past.count > past.limit:
                self._voice.name(event.account_id)
        return self._voice.said()

    def _close(self, past: _Past, day: int) -> None:
        value = math.log1p(past.count)
        past.n += 1
        change = value - past.mean
        past.mean += change / past.n
        past.squares += change * (value - past.mean)
        past.day, past.count = day, 0
        if past.n >= self.min_days:
            deviation = max(math.sqrt(past.squares / (past.n - 1)), self.least_deviation)
            past.limit = math.expm1(min(past.mean + self._z * deviation, 50.0))
