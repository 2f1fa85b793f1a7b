"""Partitions come and go: a stage that comes is restored, one that stays goes on, one that goes is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import faust
import structlog
from faust.types import TP

from detectors.errors import ConfigError
from streams.kafka.connection import patiently
from streams.observe.shown import Shown
from streams.observe.watchdog import Watchdog
from streams.settings.settings import Settings
from streams.stage import Stage
from streams.stages.in_flight import InFlight
from streams.state.checkpointer import Checkpointer
from streams.topics.identity import inputs
from streams.worker.alignment import Alignment
from streams.worker.duplicate_instance import DuplicateInstance
from streams.worker.partitions import Partitions

log = structlog.get_logger()

SETTLE_S = 5.0  # at a rebalance, which all workers wait for


class Assignment:
    """The partitions of one worker. `progress` hears how many bytes of state were read back so far."""

    def __init__(
        self,
        settings: Settings,
        app: faust.App,
        partitions: Partitions,
        checkpointer: Checkpointer,
        in_flight: InFlight,
        alignment: Alignment,
        watchdog: Watchdog,
        progress: Callable[[int], None],
        shown: Shown,
    ) -> None:
        self._inputs = inputs(settings)
        self._app = app
        self._partitions = partitions
        self._checkpointer = checkpointer
        self._in_flight = in_flight
        self._alignment = alignment
        self._watchdog = watchdog
        self._progress = progress
        self._shown = shown
        self._duplicates = DuplicateInstance(settings.instance_id)
        self._generation = -1  # of the group, at the last assignment
        app.on_partitions_revoked.connect(self._revoked)
        app.on_partitions_assigned.connect(self._assigned)

    async def start_offset(self, tp: TP) -> int:
        """Where to read on: a stage that was kept knows; one that comes is brought back first."""
        stage = self._partitions.stages.get(tp)
        if stage is None:
            try:
                stage = await patiently(
                    lambda: self._partitions.bring(tp, self._restore), "read state back"
                )
            except Exception as error:
                log.error("state cannot be read back", topic=tp.topic, partition=tp.partition)
                await self._app.crash(error)
                raise
            self._shown.readiness.done("recovery")
        return stage.next_offset

    async def _restore(self, tp: TP, stage: Stage) -> None:
        await self._checkpointer.recover(tp, stage, self._progress)

    async def _revoked(self, _app: faust.App, revoked: set[TP], **_: Any) -> None:
        """Before a successor looks, what is being said should be there: it would say it again."""
        for tp in revoked:
            if (stage := self._partitions.stages.get(tp)) is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SETTLE_S):
                        await stage.settle()

    async def _assigned(self, app: faust.App, assigned: set[TP], **_: Any) -> None:
        try:
            self._duplicates.assigned(app.consumer_generation_id)
        except ConfigError as error:
            await app.crash(error)
        self._shown.metrics.rebalances.inc()
        mine = {tp for tp in assigned if tp.topic in self._inputs}
        self._alignment.held.clear()
        # Who was put out of the group and comes back may be given what it had, but another worker has
        # had it meanwhile, and has written down more: then nothing that is in memory counts.
        stayed = app.consumer_generation_id == self._generation + 1
        self._generation = app.consumer_generation_id
        gone = [tp for tp in self._partitions.stages if tp not in mine or not stayed]
        self._checkpointer.release(gone)
        self._watchdog.keep_to(mine)
        for tp in gone:
            self._in_flight.release(tp)
            self._partitions.end(tp)
        self._show(mine)

    def _show(self, mine: set[TP]) -> None:
        for topic in self._inputs:
            count = sum(tp.topic == topic for tp in mine)
            self._shown.metrics.partitions_assigned.labels(topic).set(count)
        if mine:
            self._shown.readiness.done("assignment")
            self._shown.readiness.wait_for("catch-up", "reading what the topics hold")
        else:
            self._shown.readiness.wait_for(
                "assignment", "no partition is assigned: more workers than partitions?"
            )
