"""Hours that a network partition knows less of than it should: its sources' input had holes, or its own."""

from __future__ import annotations

from collections.abc import Sequence

from detectors.exchange.loss import Loss, joined
from detectors.interface.clock import DAY_MS, HOUR_TICKS, MINUTE_MS, NO_TIME

MOST_HOLES = 1_000  # ticks that told of incomplete hours; older ones are taken for whole


class Holes:
    """What was missed, by tick, in hours of one source each; and hand-overs that were deleted unread."""

    def __init__(
        self,
        by_tick: dict[int, int] | None = None,
        loss: Loss | None = None,
        unheard: set[int] | None = None,
    ) -> None:
        self.by_tick = by_tick or {}
        self.loss = loss  # the last time that hand-overs were deleted unread
        self.unheard = unheard or set()  # sources that have said nothing since

    def tell(self, tick: int, hours: int) -> None:
        """Sources say with `tick` that they had missed so many hours."""
        self.by_tick[tick] = self.by_tick.get(tick, 0) + hours
        self.by_tick = dict(sorted(self.by_tick.items())[-MOST_HOLES:])

    def lose(self, first: int, end: int, passed: Sequence[int], closed: int) -> None:
        """Hand-overs at these places of the input are gone; `passed` is what each source had closed."""
        self.loss = joined(self.loss, first, end, closed)
        self.unheard = {source for source, tick in enumerate(passed) if tick != NO_TIME}

    def hear(self, source: int, tick: int, passed: Sequence[int]) -> None:
        """A source speaks again, of `tick`: of what it closed before, nothing more comes."""
        self.unheard.discard(source)
        # One for each hour, at its end, so that each of its days knows.
        last = tick // HOUR_TICKS
        first = max((passed[source] + 1) // HOUR_TICKS, last - MOST_HOLES + 1)
        for hour in range(first, last + 1):
            self.tell(min((hour + 1) * HOUR_TICKS - 1, tick), 1)
        if self.loss is not None and not self.unheard:
            self.loss = self.loss.until(max([*passed, tick]))

    def between(self, start: int, stop: int) -> int:
        """Hours that were missed between two times, ms, summed over the sources."""
        return sum(h for t, h in self.by_tick.items() if start <= t * MINUTE_MS < stop)

    def watched_days(self, start: int, stop: int, sources: int) -> float:
        """Days between two times, ms, without the hours that were missed."""
        if stop <= start:
            return 0.0
        return max(0.0, (stop - start) / DAY_MS - self.between(start, stop) / sources / 24)
