"""Whether this worker's clients are served: what each waits for, and new connections for who gets nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from faust.types import TP

from streams.bulk.driver import BulkTransport
from streams.kafka.addresses import begin_anew
from streams.observe.broker_probe import BrokerProbe
from streams.observe.deafness import READER, STATE, WRITER, Deafness, Wait
from streams.settings.settings import Settings
from streams.stage import Stage
from streams.stages.sink import Sink
from streams.state.checkpointer import Checkpointer

log = structlog.get_logger()

POLL_S = 0.5
RENEW_S = (
    15.0  # how long new connections may take; longer, and they are tried again or the process ends
)


class Hearing:
    """What one worker hears. `stages` is the worker's own, by partition."""

    def __init__(
        self,
        settings: Settings,
        transport: BulkTransport,
        stages: Mapping[TP, Stage],
        sink: Sink,
        checkpointer: Checkpointer,
        probe: BrokerProbe,
        deafness: Deafness,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._stages = stages
        self._sink = sink
        self._checkpointer = checkpointer
        self._probe = probe
        self._deafness = deafness

    async def run(self) -> None:
        """Listen, for ever. Raises BrokerError where only a restart may help."""
        renew: dict[str, Callable[[], Awaitable[None]]] = {
            READER: partial(self._transport.with_client, begin_anew),
            WRITER: self._sink.renew,
            STATE: self._checkpointer.renew,
        }
        while True:
            await asyncio.sleep(POLL_S)
            for client, waits in self._waits().items():
                if self._deafness.look(client, waits):
                    try:
                        async with asyncio.timeout(RENEW_S):
                            await renew[client]()
                    except Exception as error:  # whatever it is: next time, or the process ends
                        log.warning("no new connections", client=client, reason=repr(error))

    def _waits(self) -> dict[str, dict[str, Wait]]:
        return {
            READER: self._reading(),
            WRITER: self._unhindered(self._sink.deliveries.waits()),
            STATE: self._unhindered({self._settings.state_topic: self._checkpointer.waits()}),
        }

    def _unhindered(self, waits: Mapping[str, Wait]) -> dict[str, Wait]:
        return {topic: wait for topic, wait in waits.items() if not self._probe.hinders(topic)}

    def _reading(self) -> dict[str, Wait]:
        if self._probe.silent:
            return {}
        assigned = self._transport.bulk_assignment()
        if not assigned or not self._transport.app.consumer.flow_active:
            # Between two assignments: who does not know whom to ask for one hears of none.
            lost = self._transport.without_coordinator()
            return {f"group {self._settings.group}, whose coordinator is not found": Wait(0, lost)}
        restoring = any(tp not in self._stages for tp in assigned)
        waits = {}
        for tp in assigned:
            place, end = self._transport.wants(tp), self._probe.end(tp)
            if place is not None and end is not None and not restoring:
                waits[f"{tp.topic} [{tp.partition}]"] = Wait(place, place < end)
        return waits
