"""Sees input that stands still though the process lives: which partition, for how long.

An event loop that turns proves little: an agent may hang in a chunk, or a consumer may fetch nothing
for ever, while heartbeats go on and the group thinks all is well. So progress is watched: a partition
with something to do must move its place. First it shows in `hydrawatch_stalled_seconds`, then in
/readyz, and ten times later /livez asks for a restart, which is safe at any moment. Where the brokers
are known to be in trouble, no restart would help, and /livez does not count that time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from faust.types import TP

from streams.observe.health import Readiness
from streams.observe.metrics import Metrics

log = structlog.get_logger()

# A restart reads the state back and moves partitions: not for what a minute's patience may mend.
DEAD_AFTER = 10  # times the stall that makes a worker not ready


@dataclass(slots=True)
class _Progress:
    place: int
    since: float  # when it came to this place, or last had nothing to do
    mine: float  # since when it is this process that may be at fault
    stalled: bool = False


class Watchdog:
    """The places of a worker's partitions, and since when each has not moved.

    `look` at every partition now and then, `keep_to` those that stay; `dead` may be asked from
    another thread. `stalled_s`: see HYDRAWATCH_STALL_S.
    """

    def __init__(
        self,
        metrics: Metrics,
        readiness: Readiness,
        stalled_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = metrics
        self._readiness = readiness
        self._stalled_s = stalled_s
        self._clock = clock
        self._seen: dict[TP, _Progress] = {}
        self._at_work: set[TP] = set()

    @contextmanager
    def at_work(self, tp: TP) -> Iterator[None]:
        """An agent is at a chunk of the partition; to be done with it is progress."""
        self._at_work.add(tp)
        try:
            yield
        finally:
            self._at_work.discard(tp)
            if (seen := self._seen.get(tp)) is not None:
                seen.since = seen.mine = self._clock()

    def look(
        self, tp: TP, place: int, *, unread: bool, held: bool = False, trouble: bool = False
    ) -> None:
        """A partition has come to `place` of its input; is there more, and may it be read?

        `trouble`: somebody else sees that the brokers cannot serve us now.
        """
        now = self._clock()
        seen = self._seen.get(tp)
        if seen is None:
            seen = self._seen[tp] = _Progress(place, now, now)
            self._metrics.stalls.labels(tp.topic)  # a rate needs a series to begin with
        waits = (unread or tp in self._at_work) and not held
        if place != seen.place or not waits:
            seen.place, seen.since = place, now
        if trouble or seen.since == now:
            seen.mine = now
        quiet = now - seen.since
        self._metrics.stalled.labels(tp.topic, str(tp.partition)).set(quiet)
        if (quiet > self._stalled_s) != seen.stalled:
            seen.stalled = not seen.stalled
            self._turned(tp, seen)
        if seen.stalled:
            self._tell()

    def keep_to(self, mine: set[TP]) -> None:
        """Forget all other partitions: their new owner watches them."""
        for tp in set(self._seen) - mine:
            del self._seen[tp]
            self._metrics.stalled.remove(tp.topic, str(tp.partition))
        self._tell()

    def dead(self) -> dict[str, str]:
        """What has stood still for so long that only a restart may help; for /livez."""
        now, after_s = self._clock(), DEAD_AFTER * self._stalled_s
        return {
            _named(tp): _said(tp, seen, now)
            for tp, seen in sorted(self._seen.copy().items())
            if now - seen.mine > after_s and seen.stalled
        }

    def _turned(self, tp: TP, seen: _Progress) -> None:
        about = {"topic": tp.topic, "partition": tp.partition, "next_offset": seen.place}
        if seen.stalled:
            self._metrics.stalls.labels(tp.topic).inc()
            log.warning("input stands still", in_a_chunk=tp in self._at_work, **about)
        else:
            log.info("input moves again", **about)
            self._tell()

    def _tell(self) -> None:
        now = self._clock()
        stalled = [_said(tp, seen, now) for tp, seen in sorted(self._seen.items()) if seen.stalled]
        if stalled:
            self._readiness.wait_for("progress", "; ".join(stalled))
        else:
            self._readiness.done("progress")


def _named(tp: TP) -> str:
    return f"{tp.topic}[{tp.partition}]"


def _said(tp: TP, seen: _Progress, now: float) -> str:
    where = f"{tp.topic} [{tp.partition}]"
    return f"{where} has stood still at {seen.place:,} for {now - seen.since:.0f} s"
