"""A hole in a stage's input: records that the broker deleted before anybody read them.

What follows from it is a function of the records around it: what closes from `before` on, up to what the
input comes to say next, is incomplete.
"""

from __future__ import annotations

import msgspec

from detectors.interface.clock import DAY_TICKS, NO_TIME


class Loss(msgspec.Struct, frozen=True):
    """Input from place `first` up to `end` is gone; ticks after `before` up to `after` are incomplete.

    `after` is `NO_TIME` as long as nothing that came behind the hole tells where it ends.
    """

    first: int
    end: int
    before: int
    after: int = NO_TIME

    @property
    def lasts(self) -> bool:
        """Whether nothing has come yet that tells where it ends."""
        return self.after == NO_TIME

    def holds(self, tick: int) -> bool:
        """Whether what is known of a tick is incomplete."""
        return tick > self.before and (self.lasts or tick <= self.after)

    def touches(self, first: int, last: int) -> bool:
        """Whether any tick from `first` to `last` is incomplete."""
        return last > self.before and (self.lasts or first <= self.after)

    def recent(self, closed: int) -> bool:
        """Whether it is worth telling of: within a day of event time."""
        return self.lasts or closed <= self.after + DAY_TICKS

    def until(self, tick: int) -> Loss:
        """It ends with this tick."""
        return msgspec.structs.replace(self, after=max(tick, self.before))


def joined(known: Loss | None, first: int, end: int, closed: int) -> Loss:
    """Another hole, found when `closed` was the last closed tick; one with a hole not yet behind us."""
    if known is None or not (known.lasts or closed < known.after):
        return Loss(first, end, closed)
    return Loss(min(known.first, first), max(known.end, end), min(known.before, closed))
