"""The control topic, as the campaign owner reads it: validate, write down the tick, then apply.

From which tick an event holds depends on when it was first read, so that is written down before it
is used; who owns the campaigns next takes the ticks from there and comes to the same alerts.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from detectors.campaigns.controls import Written
from detectors.contract.control_event import ControlEvent
from detectors.decode.control_events import decode_control
from detectors.interface.clock import MINUTE_MS, NO_TIME
from detectors.owner.owner import CampaignOwner
from streams.decisions.log import ControlMark, DecisionLog
from streams.kafka.reader import readable_end, reader
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.dead_letters import dead_letter
from streams.stages.sink import Sink

log = structlog.get_logger()
OWNER_PARTITION = 0  # of the marks topic, where the owner writes
CLOCKS_TICKS = 60  # by which clocks may differ


class ControlFollower:
    """Reads the control topic from its beginning, without a group, for as long as it is followed.

    `ahead_ticks` is how far ahead of the clock a decision may be.
    """

    def __init__(
        self,
        settings: Settings,
        owner: CampaignOwner,
        deciding: asyncio.Lock,
        sink: Sink,
        metrics: Metrics,
        ahead_ticks: int,
    ) -> None:
        self._settings = settings
        self._owner = owner
        self._sink = sink
        self._metrics = metrics
        self._ahead_ticks = ahead_ticks + CLOCKS_TICKS
        # Held while a control event gets its tick and while ticks are closed: otherwise a tick could
        # close, with the event in force or without it, before it is written down that it is.
        self._deciding = deciding
        self.decisions = DecisionLog(settings, "owner", OWNER_PARTITION, sink)
        self.said_up_to = NO_TIME  # the last tick of which an alert is published
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False

    async def catch_up(self) -> None:
        """Return when all that the topic held at the start is in force; keep following after.

        Raises what following failed with, once: the next call follows anew from the beginning.
        """
        if self._stopped or self.decisions.shut_out:
            return  # somebody else decides; the worker finds out what it runs
        if self._task is None:
            marks = await self.decisions.take_over()
            self._owner.restore_control(
                Written(m.control_id, m.revision, m.tick)
                for m in marks
                if isinstance(m, ControlMark)
            )
            self._task = asyncio.create_task(self._follow(), name="control topic")
        if not self._caught_up.is_set():
            waiting = asyncio.create_task(self._caught_up.wait())
            await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        if self._task.done() and not (self._stopped or self.decisions.shut_out):
            task, self._task = self._task, None
            task.result()

    def stop(self) -> None:
        """Stop following; the owner moved away or the worker stops."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _follow(self) -> None:
        topic = self._settings.control_topic
        async with reader(self._settings, topic, [0], committed=True) as consumer:
            (tp,) = consumer.assignment()
            while not self.decisions.shut_out:
                fetched = await consumer.getmany(timeout_ms=500)
                for record in (r for records in fetched.values() for r in records):
                    await self._take(record)
                end = readable_end(consumer, tp, committed=True)
                if end is not None and await consumer.position(tp) >= end:
                    self._caught_up.set()

    async def _take(self, record: Any) -> None:
        event = decode_control(record.value, record.timestamp)
        if not isinstance(event, ControlEvent):
            self._metrics.control_events.labels("unknown", "rejected").inc()
            self._metrics.dead_letters.labels(event.reason, "receiving").inc()
            letter = dead_letter(
                record.key,
                record.value,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                stage="receiving",
                error=event.reason,
                message=event.message,
            )
            await (await self._sink.dead_letter(letter))
            return
        async with self._deciding:
            line = self._owner.books.control.effect(event, self._not_before(record.timestamp))
            if line is not None:
                mark = ControlMark(line.control_id, line.revision, line.tick)
                if not await self.decisions.write(mark):
                    return
                self._owner.restore_control([line])
            self._owner.control(event)
        self._metrics.control_events.labels(event.kind, "accepted").inc()

    def _not_before(self, timestamp_ms: int) -> int:
        """The first tick from which an event may hold that no mark tells of."""
        if timestamp_ms // MINUTE_MS + self._ahead_ticks < self.said_up_to:
            # Whoever said that had read it: marks are not kept as long as control events, or were
            # made anew. What it allowed must not be advised against when that is decided anew.
            return self._owner.closed + 1
        # Behind all that was said, also before a restart: it is decided anew as it was.
        return max(self._owner.closed, self.said_up_to) + 1
