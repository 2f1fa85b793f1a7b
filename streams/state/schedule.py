"""Whose state is kept next: of those that have moved on, who has waited longest, at a bounded cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from faust.types import TP

from streams.stage import Stage

SHARE = 20  # of the time, at most one part in so many
RETRY_S = 5.0


class Schedule:
    """The turns of one worker's stages: each every `every_s` seconds, or less often if that costs much."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._kept: dict[TP, tuple[float, int]] = {}  # when, and up to which offset
        self._cost_s: dict[TP, float] = {}
        self._not_before: dict[TP, float] = {}

    def kept(self, tp: TP, next_offset: int) -> None:
        """The state before this offset is kept now."""
        self._kept[tp] = time.monotonic(), next_offset

    def cost(self, tp: TP, seconds: float) -> None:
        """Making ready what is kept took so long."""
        self._cost_s[tp] = seconds

    def put_off(self, tp: TP) -> None:
        """It could not be kept: let others go first, and try again soon."""
        self._not_before[tp] = time.monotonic() + RETRY_S

    def release(self, tp: TP) -> None:
        """It moved away, or must not be kept any more."""
        self._kept.pop(tp, None)
        self._cost_s.pop(tp, None)
        self._not_before.pop(tp, None)

    def ages_s(self, stages: Mapping[TP, Stage]) -> Iterator[tuple[TP, float]]:
        """For how long each stage has not been kept; 0 for one that has not moved on since."""
        now = time.monotonic()
        for tp, (since, offset) in self._kept.items():
            if tp in stages:
                yield tp, now - since if stages[tp].next_offset > offset else 0.0

    def waiting(self, stages: Mapping[TP, Stage]) -> list[TP]:
        """Who has moved on since it was kept, the longest waiting first."""
        return sorted(
            (
                tp
                for tp in stages
                if tp in self._kept and stages[tp].next_offset > self._kept[tp][1]
            ),
            key=lambda tp: self._kept[tp][0],
        )

    def due(self, stages: Mapping[TP, Stage]) -> TP | None:
        """Whose turn it is now, if anybody's."""
        now = time.monotonic()
        every = max(self._every_s, SHARE * sum(self._cost_s.get(tp, 0.0) for tp in stages))
        for tp in self.waiting(stages):
            if now >= self._not_before.get(tp, 0.0):
                return tp if now - self._kept[tp][0] >= every else None
        return None
