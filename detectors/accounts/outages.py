"""Whether a partition's input had a hole: silence, or a trickle, where its own past says otherwise.

What is counted is closed account-minutes per tick, against the mean of the partition's own hours of
that kind (24 hours of working days, 24 of weekends). A run of silent minutes in which so many were
expected that chance would not leave it (`outage_nats`, by Poisson), or an hour far below its kind,
makes the hour incomplete: nothing is learned from it, nor from its day, and neither it nor the hour
after it (in which everybody comes back) is judged. A function of closed ticks alone, so that a
replay finds the same holes. Silence that lasts is taken for the new habit after `outage_hours`.

Where the broker deleted records before they were read, nothing has to be guessed: every hour from the last
closed tick on, up to what came next, is incomplete, and no habit is learned or forgotten by it.
"""

from __future__ import annotations

import msgspec

from detectors.engine_config import EngineConfig
from detectors.exchange.loss import Loss, joined
from detectors.interface.clock import DAY_TICKS, HOUR_TICKS

_CELLS = 48
_SCALE = 1024  # cells are whole numbers, in 1/1024 account-minutes an hour
_SHARE = 8  # a cell moves an eighth of the way to each new hour


class Flow(msgspec.Struct):
    """What is kept of the flow: habits by kind of hour (-1: not known), and the open hour and day."""

    cells: list[int] = msgspec.field(default_factory=lambda: [-1] * _CELLS)
    count: int = 0  # account-minutes of the open hour
    run: int = 0  # account-minutes expected in the silent run up to now, scaled
    hole: bool = False  # in the open hour
    lasting: int = 0  # incomplete hours in a row
    complete: bool = True  # the last closed hour
    before: bool = True  # the one before it
    day: bool = True  # the open day, up to the last closed hour
    untold: int = 0  # incomplete hours that other stages were not told of
    hours: int = 0  # incomplete hours ever, for metrics
    gone: bool = False  # records of the open hour were deleted unread
    loss: Loss | None = None  # the last time that records were


class InputFlow:
    """Watches one partition's ticks; ask it at the end of an hour or a day."""

    def __init__(self, rules: EngineConfig) -> None:
        self._rules = rules
        self.kept = Flow()

    @property
    def judged(self) -> bool:
        """Whether the hour that ended last may be judged."""
        return self.kept.complete and self.kept.before

    def close(self, tick: int, minutes: int) -> None:
        """A tick closed with so many account-minutes."""
        flow = self.kept
        expected = max(flow.cells[kind_of(tick)], 0)
        if tick % DAY_TICKS == 0:
            flow.day = True
        gone = flow.loss is not None and flow.loss.holds(tick)
        flow.gone = flow.gone or gone
        if minutes or gone:
            flow.run = 0
        else:
            flow.run += expected // HOUR_TICKS
            flow.hole = flow.hole or flow.run >= self._rules.outage_nats * _SCALE
        flow.count += minutes
        if (tick + 1) % HOUR_TICKS == 0:
            self._end_hour(tick, expected)

    def skip(self, closed: int, target: int) -> None:
        """Ticks after `closed` up to `target` closed with nothing in them."""
        longest = (self._rules.outage_hours + 24) * HOUR_TICKS
        flow = self.kept
        if target - closed > longest:
            if flow.loss is not None and flow.loss.holds(target - longest):
                missed = (target - longest) // HOUR_TICKS - closed // HOUR_TICKS
                flow.untold += missed
                flow.hours += missed
            else:
                flow.cells = [-1] * _CELLS
            closed = target - longest
        for tick in range(closed + 1, target + 1):
            self.close(tick, 0)

    def lose(self, first: int, end: int, closed: int) -> None:
        """Records at these places were deleted unread, when `closed` was the last closed tick."""
        self.kept.loss = joined(self.kept.loss, first, end, closed)

    def regain(self, tick: int) -> None:
        """What came since reaches up to `tick`: what lies behind that is whole again."""
        if self.kept.loss is not None and self.kept.loss.lasts:
            self.kept.loss = self.kept.loss.until(tick)

    def tell(self) -> int:
        """Incomplete hours since this was asked last."""
        hours, self.kept.untold = self.kept.untold, 0
        return hours

    def _end_hour(self, tick: int, expected: int) -> None:
        flow, rules = self.kept, self._rules
        count = flow.count * _SCALE
        enough = expected >= rules.outage_nats * _SCALE
        hole = flow.hole or (enough and count < rules.outage_share * expected)
        if flow.gone:
            hole = True  # and says nothing of what lasts
        else:
            flow.lasting = flow.lasting + 1 if hole else 0
        if flow.lasting > rules.outage_hours and not flow.gone:
            flow.cells = [-1] * _CELLS  # what lasts is no outage
            flow.run, hole = 0, False
        if not hole:
            cell, place = flow.cells[kind_of(tick)], kind_of(tick)
            flow.cells[place] = count if cell < 0 else cell + (count - cell) // _SHARE
        flow.before, flow.complete = flow.complete, not hole
        flow.day = flow.day and not hole
        flow.untold += hole
        flow.hours += hole
        flow.count, flow.hole, flow.gone = 0, False, False


def kind_of(tick: int) -> int:
    """Which kind of hour a tick is in: 0 to 23 on working days, 24 to 47 on weekends (UTC)."""
    weekday = (tick // DAY_TICKS + 3) % 7  # day 0 of the epoch was a Thursday
    return tick // HOUR_TICKS % 24 + (24 if weekday >= 5 else 0)
