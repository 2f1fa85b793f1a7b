"""What lies behind open transactions, and for how long: nobody may read it before they end.

Kafka ends a transaction whose producer is gone after the producer's own time-out, which the broker bounds
(`transaction.max.timeout.ms`, 15 minutes by default). One that outlives that hangs, and only an
administrator ends it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from faust.types import TP

LONGEST_S = 900.0  # Kafka's default bound; who waited so long for records need not wait for others


class Undecided(NamedTuple):
    """Offsets from the first open transaction on, and since when that one is the first."""

    offsets: int
    seconds: float


class OpenTransactions:
    """Since when the oldest open transaction of each partition has been seen to be that."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[TP, tuple[int, float]] = {}  # where it begins, and since when

    def look(self, tp: TP, high: int | None, stable: int | None) -> Undecided:
        """A partition ends at `high` and has no open transaction before `stable`, as far as is known."""
        if high is None or stable is None or stable >= high:
            self._since.pop(tp, None)
            return Undecided(0, 0.0)
        begins, since = self._since.get(tp, (-1, 0.0))
        if begins != stable:
            since = self._clock()
            self._since[tp] = stable, since
        return Undecided(high - stable, self._clock() - since)
