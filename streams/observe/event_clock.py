"""Says in /readyz, and as a gauge, that event time is not what it should be: much is late, or it is ahead.

Both come of clocks: one that is ahead makes what others send late, if it is believed. The worker stays
ready: to stop would mend no clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.event_time import reached_by
from detectors.accounts.partition import AccountPartition
from detectors.interface.clock import NO_TIME, SECOND_MS
from streams.stage import Stage

FEW = 1_000  # events of which a share means something
MUCH_LATE = 0.05  # gateways that retry make a hundredth late
AHEAD_S = 120.0  # clocks differ by seconds, and a minute costs nothing


class LateShare:
    """The share of late events among the last one to two thousand that were taken."""

    def __init__(self, counters: np.ndarray) -> None:
        self._counters = counters  # int64, the partition's own
        self._marks = [self._look(), self._look()]  # where the last two thousands began

    @property
    def share(self) -> float | None:
        """None where too few events were taken to tell."""
        taken, late = (now - then for now, then in zip(self._look(), self._marks[0], strict=True))
        return late / taken if taken >= FEW else None

    def update(self, counters: np.ndarray) -> None:
        """After a chunk. `counters` (int64) are the partition's."""
        self._counters = counters
        now = self._look()
        if now[0] - self._marks[1][0] >= FEW:
            self._marks = [self._marks[1], now]

    def _look(self) -> tuple[int, int]:
        return int(self._counters[st.ACCEPTED]), int(self._counters[st.LATE])


def ahead_s(part: AccountPartition, now_ms: float) -> float:
    """By how many seconds the event time that was reached is ahead of the clock; 0 where it is not."""
    reached = reached_by(part.state.scalars, part.config.engine.allowed_lateness_minutes)
    return 0.0 if reached == NO_TIME else max(0.0, (reached - now_ms) / SECOND_MS)


def clock_notes(stages: Iterable[Stage], clock: Callable[[], float] = time.time) -> dict[str, str]:
    """What /readyz says of the event time of a worker's account partitions; empty where all is well."""
    late: list[tuple[float, int]] = []
    ahead: list[tuple[float, int]] = []
    for stage in stages:
        part, share = stage.part, getattr(stage, "late_share", None)
        if not isinstance(part, AccountPartition):
            continue
        if share is not None and share > MUCH_LATE:
            late.append((share, stage.partition))
        if (by := ahead_s(part, clock() * SECOND_MS)) > AHEAD_S:
            ahead.append((by, stage.partition))
    notes = {}
    if late:
        share, partition = max(late)
        notes["late events"] = (
            f"{share:.0%} of what partition {partition} takes comes too late for its windows"
            f"{_others(late)}: see HydrawatchPartitionLate in docs/runbooks.md"
        )
    if ahead:
        by, partition = max(ahead)
        notes["event time"] = (
            f"partition {partition} is {by:,.0f} s ahead of the clock{_others(ahead)}: see "
            "HydrawatchEventTimeAhead in docs/runbooks.md"
        )
    return notes


def _others(found: list[tuple[float, int]]) -> str:
    return f" (and {len(found) - 1} more partitions)" if len(found) > 1 else ""
