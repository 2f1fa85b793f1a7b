"""Acknowledging chunks in order, once what was said because of them is with the broker."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from faust.types import TP

MOST_WAITING = 64  # chunks whose sends are under way, per partition; beyond it we wait


class AckQueue:
    """Per partition, in order: a later chunk is never acknowledged before an earlier one."""

    def __init__(self, acknowledge: Callable[[TP, int], Any]) -> None:
        self._acknowledge = acknowledge
        self._waiting: dict[TP, deque[tuple[int, list[Awaitable[Any]]]]] = {}

    async def when_delivered(self, tp: TP, offset: int, sent: list[Awaitable[Any]]) -> None:
        """Acknowledge up to `offset` when all of `sent`, and all before it, is delivered.

        Waits only where too much is under way. Raises what an earlier send failed with.
        """
        queue = self._waiting.setdefault(tp, deque())
        queue.append((offset, sent))
        await self._settle(tp, queue)

    async def sweep(self) -> None:
        """Acknowledge what has been delivered meanwhile; for partitions that went quiet."""
        for tp, queue in list(self._waiting.items()):
            await self._settle(tp, queue)

    def forget(self) -> None:
        """Partitions were assigned anew: what was under way is of readings that ended."""
        self._waiting.clear()

    async def _settle(self, tp: TP, queue: deque[tuple[int, list[Awaitable[Any]]]]) -> None:
        while queue:
            offset, under_way = queue[0]
            done = all(f.done() for f in under_way if isinstance(f, asyncio.Future))
            if not done and len(queue) <= MOST_WAITING:
                return
            queue.popleft()
            if under_way:
                await asyncio.gather(*under_way)
            if offset >= 0 and self._waiting.get(tp) is queue:
                self._acknowledge(tp, offset)
