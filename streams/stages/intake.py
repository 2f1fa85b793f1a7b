"""The one way in which a stage takes something in, be it a chunk, the passing of time or a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from faust.types import TP

from streams.kafka.connection import patiently
from streams.stage import Sent, Stage
from streams.stages.in_flight import InFlight
from streams.state.checkpointer import Checkpointer


class Intake:
    """Of one worker: in order, held against keeping, and with what is said noted until it is delivered."""

    def __init__(self, checkpointer: Checkpointer, in_flight: InFlight) -> None:
        self._checkpointer = checkpointer
        self._in_flight = in_flight

    async def take(self, tp: TP, stage: Stage, act: Callable[[], Awaitable[Sent]]) -> None:
        """Have a stage take something. Raises what `act` raises, and what could not be sent."""
        await patiently(stage.prepare, "read what was written down")
        async with self._checkpointer.taking(tp, stage):
            await self._in_flight.add(tp, await act())
