"""Sees where a partition is read on from a later place than reading had come to, and why.

A client that asks for what retention (or DeleteRecords) has taken away starts over at the first record
that is left, and says so to nobody. Reading moves in no other way; but what lies between may only be
called lost on the broker's own word that its log begins behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from faust.types import TP

from streams.bulk.chunks import Chunk, deleted
from streams.bulk.ledger import Ledger

log = structlog.get_logger()

ASK_S = 10.0


class Jumps:
    """The jumps of one consumer, in its thread. `answered` is called when the broker has answered."""

    def __init__(self, answered: Callable[[], None]) -> None:
        self._answered = answered
        self._asked: dict[TP, tuple[Ledger, asyncio.Task[int | None]]] = {}

    def look(self, consumer: Any, ledgers: Mapping[TP, Ledger]) -> dict[TP, Chunk | None]:
        """The partitions whose place is not where reading stands: what is gone, None while it is asked."""
        subscription = consumer._fetcher._subscriptions.subscription
        assignment = None if subscription is None else subscription.assignment
        found: dict[TP, Chunk | None] = {}
        for tp, ledger in ledgers.items():
            position = position_of(assignment, tp, ledger.reading)
            if position <= ledger.reading:
                continue
            begin = self._begin(consumer, tp, ledger)
            if begin is None:
                found[tp] = None
            elif begin > ledger.reading:
                found[tp] = _gone(assignment, tp, ledger, position)
            else:
                # Not the broker's doing: whoever takes the next chunk sees that one is missing.
                ledger.reading = position
        for tp in self._asked.keys() - found.keys():
            self._asked.pop(tp)[1].cancel()
        return found

    def _begin(self, consumer: Any, tp: TP, ledger: Ledger) -> int | None:
        """Where the broker's log begins; None as long as it has not answered."""
        asked = self._asked.get(tp)
        if asked is None or asked[0] is not ledger:
            if asked is not None:
                asked[1].cancel()
            self._asked[tp] = ledger, asyncio.ensure_future(self._ask(consumer, tp))
            return None
        if not asked[1].done():
            return None
        del self._asked[tp]
        return asked[1].result()

    async def _ask(self, consumer: Any, tp: TP) -> int | None:
        try:
            async with asyncio.timeout(ASK_S):
                begins = await consumer.beginning_offsets([tp])
            return int(begins[tp])
        except Exception as error:  # whatever it is, the next look asks again
            log.info("no answer where records begin", topic=tp.topic, error=repr(error))
            return None
        finally:
            self._answered()


def position_of(assignment: Any, tp: TP, unknown: int) -> int:
    """Where the client reads on in a partition; `unknown` where it does not know itself."""
    state = assignment.state_value(tp) if assignment is not None else None
    return int(state.position) if state is not None and state.has_valid_position else unknown


def _gone(assignment: Any, tp: TP, ledger: Ledger, position: int) -> Chunk:
    begins, first = ledger.hollow.before(ledger.reading), ledger.reading
    ledger.reading = position
    high_water = max(assignment.state_value(tp).highwater or 0, position)
    return deleted(tp.topic, tp.partition, begins, first, position, high_water)
