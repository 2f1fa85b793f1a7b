"""What the demo knows at a moment: the worker's counts, and the alerts that stand."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from streams.demo.worker import Reading
from streams.records.alert_view import ACTIONS

RATE_S = 5.0
LIVE = ("open", "updated", "escalated")
NEWS = ("open", "escalated", "resolved", "retracted")


@dataclass(slots=True)
class Status:
    """Numbers for the display, brought up to date by `look`. `alerts` grows elsewhere."""

    total: int
    alerts: list[dict[str, Any]]
    reading: Reading = field(default_factory=Reading)
    sent: int = 0
    dead_letters: int = 0
    elapsed: float = 0.0
    # Seconds from the first record sent until the worker last read something.
    reading_s: float = 0.0
    _recent: deque[tuple[float, int]] = field(default_factory=deque)
    _standing: dict[str, dict[str, Any]] = field(default_factory=dict)
    _taken: int = 0

    def look(self, reading: Reading, sent: int, dead_letters: int, elapsed: float) -> None:
        """Take what was just seen, `elapsed` seconds after the start."""
        if reading.read != self.reading.read:
            self.reading_s = elapsed
        self.reading, self.sent = reading, sent
        self.dead_letters, self.elapsed = dead_letters, elapsed
        self._recent.append((elapsed, reading.read))
        while len(self._recent) > 2 and self._recent[0][0] < elapsed - RATE_S:
            self._recent.popleft()

    def news(self) -> list[dict[str, Any]]:
        """Alerts that came since the last call, but for mere renewals; keeps who stands."""
        fresh = self.alerts[self._taken :]
        self._taken += len(fresh)
        for alert in fresh:
            self._standing[str(alert.get("alert_id"))] = alert
        return [a for a in fresh if a.get("state") in NEWS or a.get("kind") == "network"]

    @property
    def lag(self) -> int:
        """Records sent and not read yet."""
        return max(0, self.sent - self.reading.read)

    @property
    def rate(self) -> float:
        """Records read per second, over the last few."""
        (then, before), (now, after) = self._recent[0], self._recent[-1]
        return (after - before) / (now - then) if now > then else 0.0

    @property
    def mean_rate(self) -> float:
        """Records read per second, over all."""
        return self.reading.read / self.reading_s if self.reading_s else 0.0

    def accounts_by_action(self) -> dict[str, int]:
        """How many accounts an alert stands on now, by the action it advises."""
        counts = Counter(a["action"] for a in self._live("account"))
        return {action: counts[action] for action in ACTIONS}

    def networks(self) -> list[dict[str, Any]]:
        """Campaigns that stand now, the largest first."""
        return sorted(self._live("network"), key=lambda a: -(a.get("size") or 0))

    def _live(self, kind: str) -> list[dict[str, Any]]:
        standing = self._standing.values()
        return [a for a in standing if a.get("kind") == kind and a.get("state") in LIVE]
