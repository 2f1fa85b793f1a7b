"""What was said because of a partition's input, until the broker has it."""

from __future__ import annotations

import asyncio
from collections import deque

from faust.types import TP

from streams.stage import Sent

SWEEP_S = 0.5
MOST_WAITING = 64  # chunks whose sends are under way, per partition; beyond it we wait


class InFlight:
    """Per partition, in order, the sends that a state kept now would rest on."""

    def __init__(self) -> None:
        self._waiting: dict[TP, deque[Sent]] = {}

    async def add(self, tp: TP, sent: Sent) -> None:
        """Note what was sent because of a chunk. Waits only where too much is under way.

        Raises what an earlier send failed with.
        """
        queue = self._waiting.setdefault(tp, deque())
        if sent:
            queue.append(sent)
        await self._settle(queue)

    def of(self, tp: TP) -> Sent:
        """All of a partition that is under way."""
        return [one for sent in self._waiting.get(tp, ()) for one in sent]

    async def run(self) -> None:
        """Sweep for ever, also while no chunk comes."""
        while True:
            await asyncio.sleep(SWEEP_S)
            await self.sweep()

    async def sweep(self) -> None:
        """Drop what has been delivered meanwhile; raises what failed."""
        for queue in list(self._waiting.values()):
            await self._settle(queue)

    def release(self, tp: TP) -> None:
        """The partition moved away: what was under way is of a reading that ended."""
        self._waiting.pop(tp, None)

    async def _settle(self, queue: deque[Sent]) -> None:
        while queue:
            first = queue[0]
            done = all(f.done() for f in first if isinstance(f, asyncio.Future))
            if not done and len(queue) <= MOST_WAITING:
                return
            # In the queue until it is delivered: a state that is kept meanwhile rests on it too.
            await asyncio.shield(asyncio.gather(*first))
            if queue and queue[0] is first:
                queue.popleft()
