"""The revisions of one control_id: which holds, and until when the control_id is known.

They may be tens of thousands (a platform that extends an allowance again and again). So what every
look asks for is carried along: the highest that has begun, and the one that lasts longest. A look
costs what has begun since the last one and what that replaces, not all that wait.
"""

from __future__ import annotations

import heapq

import msgspec

from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import MINUTE_MS, NO_TIME

_NONE = -1  # below every revision


class Kept(msgspec.Struct):
    """A control event, and the tick from which it holds."""

    event: ControlEvent
    tick: int

    @property
    def end(self) -> int:
        """The first tick in which it holds no longer; that of its beginning where it names no end."""
        return max(self.tick, tick_after(self.event.until or 0))


class Revisions:
    """The kept revisions of one control_id, by number, in the order of reading."""

    def __init__(self, kept: dict[int, Kept]) -> None:
        self.kept = kept
        self.end = NO_TIME  # of the one that lasts longest
        self._longest = _NONE
        self._others: list[int] = []  # heap of all but the longest, the first to be replaced on top
        self._waiting: list[tuple[int, int]] = []  # heap of (tick, revision) that no look has met
        self._looked = NO_TIME  # the last tick of a look, and the highest that had begun by then
        self._begun = _NONE
        self._past = _NONE  # the highest whose tick has passed, looked at or not
        for revision, one in kept.items():
            self._note(revision, one)

    def add(self, one: Kept, refreshed: int) -> None:
        """Keep a revision; `refreshed` is the last tick that the book was brought to."""
        revision = one.event.revision
        self.kept[revision] = one
        self._note(revision, one)
        if one.tick <= refreshed:
            self._past = max(self._past, revision)

    def replaced(self, revision: int) -> bool:
        """Whether a higher one holds, or will as soon as its tick, which has passed, is looked at."""
        return self._past > revision

    def look(self, tick: int) -> ControlEvent | None:
        """The one that holds at a tick; of those that it has replaced, only the longest stays."""
        if tick < self._looked:  # read anew from a log, with a tick that has passed: rare
            live = self._highest(tick)
        else:
            self._looked = tick
            while self._waiting and self._waiting[0][0] <= tick:
                self._begun = max(self._begun, heapq.heappop(self._waiting)[1])
            self._past = max(self._past, self._begun)
            live = self._begun
        while self._others and self._others[0] < live:
            del self.kept[heapq.heappop(self._others)]
        return self.kept[live].event if live != _NONE else None

    def at(self, tick: int) -> ControlEvent | None:
        """The one that holds at any tick; looks at all and changes nothing."""
        live = self._highest(tick)
        return self.kept[live].event if live != _NONE else None

    def _highest(self, tick: int) -> int:
        return max((r for r, one in self.kept.items() if one.tick <= tick), default=_NONE)

    def _note(self, revision: int, one: Kept) -> None:
        heapq.heappush(self._waiting, (one.tick, revision))
        end, other = one.end, revision
        if self._longest == _NONE or (end, revision) > (self.end, self._longest):
            self.end, self._longest, other = end, revision, self._longest
        if other != _NONE:
            heapq.heappush(self._others, other)


def tick_after(ms: int) -> int:
    """The first tick that begins at `ms` or later."""
    return -(-ms // MINUTE_MS)
