"""Everything a worker writes, through one producer: hand-overs, reports, marks, alerts, dead letters.

Per partition Kafka keeps the order of one producer's records, which the receivers rely on. A send
that fails for good ends the worker: its state runs ahead of what it has said, and a restart says
it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from detectors import handover, reports
from detectors.alerts import Alert, encode
from detectors.handover import HandOver
from detectors.reports import Report
from streams.broker import client_options, explained
from streams.deadletters import DeadLetter
from streams.metrics import Metrics
from streams.settings import Settings

BATCH_BYTES = 512 * 1024
REQUEST_BYTES = 2 * 1024 * 1024  # a dead letter is a record of up to 1 MB with headers


class Outlet:
    """The worker's producer. `sent` holds what is under way; `delivered` waits for it."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._producer: Any = None

    async def start(self) -> None:
        """Connect. Raises BrokerError."""
        with explained(self._settings):
            self._producer = AIOKafkaProducer(
                **client_options(self._settings),
                client_id="hydrawatch-worker",
                acks="all",
                max_batch_size=BATCH_BYTES,
                max_request_size=REQUEST_BYTES,
            )
            await self._producer.start()

    async def stop(self) -> None:
        """Send what is queued and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def hand_over(self, target: int, hand_over: HandOver) -> list[Awaitable[Any]]:
        """Hand a tick to a key partition."""
        topic = self._settings.handover_topic
        return [await self._send(topic, r, partition=target) for r in handover.encode(hand_over)]

    async def report(self, report: Report) -> list[Awaitable[Any]]:
        """Tell the owner about a tick."""
        topic = self._settings.evidence_topic
        return [await self._send(topic, r, partition=0) for r in reports.encode(report)]

    async def mark(self, partition: int, record: bytes) -> None:
        """Write something down before it is used; returns when it is durable."""
        await (await self._send(self._settings.marks_topic, record, partition=partition))

    async def alert(self, alert: Alert) -> Awaitable[Any]:
        """Publish one revision of an alert."""
        self._metrics.alerts.labels(alert.kind, alert.severity, alert.action, alert.state).inc()
        topic = self._settings.alerts_topic
        return await self._producer.send(topic, encode(alert), key=alert.alert_id.encode())

    async def dead_letter(self, letter: DeadLetter) -> Awaitable[Any]:
        """Put a record aside, unchanged."""
        return await self._producer.send(
            self._settings.dead_letters_topic, letter.value, key=letter.key, headers=letter.headers
        )

    async def _send(self, topic: str, value: bytes, partition: int) -> Awaitable[Any]:
        self._metrics.handover_records.labels(topic).inc()
        self._metrics.handover_bytes.labels(topic).inc(len(value))
        return await self._producer.send(topic, value, partition=partition)


async def delivered(sent: Iterable[Awaitable[Any]]) -> None:
    """Wait until the broker has all of it; raises what any of it failed with."""
    waiting = list(sent)
    if waiting:
        await asyncio.gather(*waiting)
