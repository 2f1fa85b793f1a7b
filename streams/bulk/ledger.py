"""Which offset of a partition may be committed: the longest acknowledged prefix, and no more.

A commit says "everything below is done". Chunks are acknowledged in any order (an agent may run
several at once, a snapshot covers some and not others), so a ledger keeps them in delivery order
and moves its safe offset only over chunks at its front. Offsets that no record has (compacted
away, aborted, transaction markers) need no acknowledgement: a chunk covers them, the next one begins
behind them, or what was read last and held nothing (`Hollow`) does.

One ledger stands for one stretch of reading: from a seek to the next seek or revocation, when it
is thrown away with all that was in flight. An acknowledgement that arrives later finds no ledger
and means nothing; the chunk is read again by whoever owns the partition then.
"""

from __future__ import annotations

from collections import deque

from streams.bulk.chunks import Hollow


class Delivery:
    """One chunk handed to the agents: its offsets, and whether they are done with it."""

    __slots__ = ("acked", "first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self.acked = False


class Ledger:
    """Deliveries of one partition since it was last positioned at `start`."""

    __slots__ = ("_open", "_safe", "end", "hollow", "reading", "start")

    def __init__(self, start: int, wanted: int = 0) -> None:
        self.start = start
        # Where reading stands, moved by the consumer's thread alone. Less than `start` where somebody
        # has read up to `wanted` and the broker has deleted what came next.
        self.reading = min(wanted, start) or start
        self.hollow = Hollow()  # moved by the consumer's thread alone
        self.end = start  # one past the last offset that was delivered
        self._open: deque[Delivery] = deque()
        self._safe: int | None = None

    def deliver(self, first: int, last: int) -> Delivery:
        """Enter a chunk; one that begins at or before entered ones replaces them.

        The latter is a re-read that no seek of ours announced (the broker lost its tail, so that
        the client went back to the beginning): the earlier deliveries would never be completed.
        """
        while self._open and self._open[-1].last >= first:
            self._open.pop()
        delivery = Delivery(first, last)
        self._open.append(delivery)
        self.end = last + 1
        return delivery

    def ack_through(self, offset: int) -> None:
        """Everything up to and including `offset` is done; what was not delivered stays open."""
        for delivery in self._open:
            if delivery.last > offset:
                break
            delivery.acked = True
        self._raise_safe(min(offset + 1, self.end))

    def committable(self) -> int | None:
        """Return the offset to commit (the next to be read), None while nothing is done."""
        while self._open and self._open[0].acked:
            self._raise_safe(self._open.popleft().last + 1)
        # Markers that lie behind are nobody's to acknowledge: without them who watches the group would
        # see records unread for ever.
        return None if self._safe is None else self.hollow.behind(self._safe)

    @property
    def in_flight(self) -> int:
        """How many deliveries are neither acknowledged nor covered by the safe offset."""
        self.committable()
        return len(self._open)

    def _raise_safe(self, offset: int) -> None:
        if offset > self.start and (self._safe is None or offset > self._safe):
            self._safe = offset
