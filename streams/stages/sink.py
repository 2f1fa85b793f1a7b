"""Everything a worker writes: hand-overs, reports, marks, alerts, dead letters.

Per partition Kafka keeps the order of one producer's records, which the receivers rely on. What a
broker does not take now waits, see `streams.kafka.producers`. A send that is refused for good ends the
worker: its state runs ahead of what it has said, and a restart says it again. But for large dead
letters, which anyone may cause: they have a producer of their own that compresses, and what the topic
does not take so either goes aside as its head.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError

from detectors.contract.alert import Alert, Mode, encode
from detectors.exchange import hand_over as handover
from detectors.exchange import report as reports
from detectors.exchange.hand_over import HandOver
from detectors.exchange.report import Report
from streams.kafka.addresses import begin_anew
from streams.kafka.connection import explained
from streams.kafka.producers import FLUSH_S, end, lasting_producer
from streams.observe.delivery_monitor import DeliveryMonitor
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stage import Sent
from streams.stages.dead_letters import DeadLetter, cut

BATCH_BYTES = 512 * 1024
REQUEST_BYTES = 2 * 1024 * 1024  # what we write ourselves is under 1 MB a record
LARGE_BYTES = BATCH_BYTES  # a dead letter from here on is compressed; any topic takes smaller ones
WHOLE_BYTES = 8 * 1024 * 1024  # and is not tried whole from here on: compressing takes time
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Sink:
    """The worker's producers. `delivered` waits for what is under way."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self._metrics = metrics
        self.deliveries = DeliveryMonitor(metrics, settings.stall_s)
        self._producer: Any = None
        self._large: Any = None
        self._letters: set[asyncio.Task[None]] = set()  # large ones under way

    async def start(self) -> None:
        """Connect. Raises BrokerError."""
        with explained(self.settings):
            self._producer = await lasting_producer(
                self.settings,
                client_id="hydrawatch-worker",
                max_batch_size=BATCH_BYTES,
                max_request_size=REQUEST_BYTES,
            )
            self._large = await lasting_producer(
                self.settings,
                numbered=False,
                client_id="hydrawatch-worker-dead-letters",
                compression_type="gzip",  # the one codec that every client reads
                max_request_size=WHOLE_BYTES,
            )

    async def stop(self) -> None:
        """Send what is queued, unless the broker is away, and disconnect."""
        if self._letters:  # one that is refused is sent once more
            _, late = await asyncio.wait(self._letters, timeout=FLUSH_S)
            for letter in late:
                letter.cancel()
        await asyncio.gather(
            *(end(one) for one in (self._producer, self._large) if one is not None)
        )

    async def renew(self) -> None:
        """Connect to the brokers anew; what is under way is sent again, in its order, and is there once."""
        for producer in (self._producer, self._large):
            if producer is not None:
                await begin_anew(producer.client)

    async def hand_over(self, target: int, hand_over: HandOver) -> Sent:
        """Hand a tick to a network partition."""
        topic = self.settings.handover_topic
        return [await self._send(topic, r, partition=target) for r in handover.encode(hand_over)]

    async def report(self, report: Report) -> Sent:
        """Tell the owner about a tick."""
        topic = self.settings.evidence_topic
        return [await self._send(topic, r, partition=0) for r in reports.encode(report)]

    async def mark(self, partition: int, record: bytes) -> int:
        """Write something down before it is used; its offset, when it is durable."""
        sent = await self._send(self.settings.marks_topic, record, partition=partition)
        return int((await sent).offset)

    async def alert(self, alert: Alert) -> Awaitable[Any]:
        """Publish one revision of an alert."""
        self._metrics.alerts.labels(
            alert.kind, alert.severity, alert.action, alert.state, alert.mode
        ).inc()
        topic = self.alert_topic(alert.mode)
        value, key = encode(alert), alert.alert_id.encode()
        return await self._queued(self._producer, topic, value, key=key)

    def alert_topic(self, mode: Mode) -> str:
        """Where alerts of a mode go: nobody acts on a shadow."""
        return self.settings.shadow_topic if mode == "shadow" else self.settings.alerts_topic

    async def dead_letter(self, letter: DeadLetter) -> Awaitable[Any]:
        """Put a record aside: unchanged, or as its head where the topic takes no more."""
        if letter.size < LARGE_BYTES:
            return await self._put_aside(self._producer, letter)
        task = asyncio.create_task(self._put_large_aside(letter), name="large dead letter")
        self._letters.add(task)
        task.add_done_callback(self._letters.discard)
        return task

    async def _put_large_aside(self, letter: DeadLetter) -> None:
        try:
            await (await self._put_aside(self._large, letter))
        except TOO_LARGE:
            self._metrics.dead_letters_cut.inc()
            await (await self._put_aside(self._large, cut(letter)))

    async def _put_aside(self, producer: Any, letter: DeadLetter) -> Awaitable[Any]:
        key, value, headers = letter
        if key is None and value is None:
            value = b""  # the client sends no record without both; the class says what it was
        topic = self.settings.dead_letters_topic
        return await self._queued(producer, topic, value, key=key, headers=headers)

    async def _send(self, topic: str, value: bytes, partition: int) -> Awaitable[Any]:
        self._metrics.handover_records.labels(topic).inc()
        self._metrics.handover_bytes.labels(topic).inc(len(value))
        return await self._queued(self._producer, topic, value, partition=partition)

    async def _queued(self, producer: Any, topic: str, value: bytes | None, **more: Any) -> Any:
        return await self.deliveries.track(topic, lambda: producer.send(topic, value, **more))


async def delivered(sent: Iterable[Awaitable[Any]]) -> None:
    """Wait until the broker has all of it; raises what any of it failed with."""
    waiting = list(sent)
    if waiting:
        await asyncio.gather(*waiting)
