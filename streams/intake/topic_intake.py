"""The intake from a topic: its records converted, produced, and only then committed.

A record that is read again after a crash, a rebalance or a commit that failed makes the same event ids, so
that the worker counts each once. Of a record that cannot be read a dead letter tells the place and the
reason, and nothing of what it held.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from streams.intake.convert import Converter
from streams.intake.guarded import converted
from streams.intake.intake_metrics import IntakeMetrics
from streams.intake.outcome import Event, Outcome, Refused
from streams.intake.sink import Sink
from streams.kafka.connection import BrokerError, client_options, explained
from streams.settings.settings import Settings

log = structlog.get_logger()

RECORDS = 500  # converted between two turns of the loop
FETCH_MS = 300
# What is read again after a crash comes late where it is much of event time, and the worker knows ids of the
# last minutes alone: so little is on its way, and what is there is committed soon.
AHEAD = 4  # chunks that may wait for the brokers while the next is converted
COMMIT_S = 0.1
DRAIN_S = 20.0
HEADER = "hydrawatch.error."  # as streams/stages/dead_letters.py has it
NULL_VALUE = "null_value"


@dataclass(frozen=True, slots=True)
class Source:
    """What is read: a topic, the format of its records, and the consumer group that reads it."""

    topic: str
    format: str
    group: str


@dataclass(slots=True)
class _Chunk:
    """Records that were read together: where each partition goes on once their events are there."""

    ends: dict[TopicPartition, int]
    done: asyncio.Task[None]


@dataclass(slots=True)
class TopicIntake:
    """One member of the group. `run` reads until `stop` is set, drains and commits."""

    source: Source
    converter: Converter
    sink: Sink
    producer: Any
    metrics: IntakeMetrics
    letters_topic: str
    consumer: Any = None
    _chunks: deque[_Chunk] = field(default_factory=deque)
    _read: dict[TopicPartition, int] = field(default_factory=dict)
    _there: dict[TopicPartition, int] = field(default_factory=dict)
    _committed_at: float = 0.0
    # A rebalance finishes what is on its way while the loop does the same.
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, consumer: Any, stop: asyncio.Event) -> None:
        """Read until `stop`, then drain. Raises BrokerError where what was made of a record is refused."""
        self.consumer = consumer
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                await self._either(self._step(), stopping)
        finally:
            stopping.cancel()
        await self.drain()

    async def drain(self) -> None:
        """Wait for what is on its way, for a while, and commit what is there."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._settle(0)
        await self._commit()

    async def revoked(self, partitions: set[TopicPartition]) -> None:
        """Others take these partitions over: what is on its way is finished before they do."""
        await self.drain()
        for partition in partitions:
            self._there.pop(partition, None)
            self._read.pop(partition, None)
            with contextlib.suppress(KeyError):
                self.metrics.lag.remove(partition.topic, str(partition.partition))

    @staticmethod
    async def _either(work: Coroutine[Any, Any, None], stopping: asyncio.Task[Any]) -> None:
        """Do the work, or leave it where it is when it is time to stop."""
        doing = asyncio.create_task(work)
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing})
        if not doing.cancelled():
            doing.result()

    async def _step(self) -> None:
        fetched = await self.consumer.getmany(timeout_ms=FETCH_MS, max_records=RECORDS)
        if fetched:
            # As one piece: what was fetched and left would only be read again after a restart.
            self._take(fetched)
        self._lag()
        await self._settle(AHEAD)

    def _take(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        ends, letters, outcomes, size = {}, [], [], 0
        for partition, records in fetched.items():
            ends[partition] = records[-1].offset + 1
            for record in records:
                outcome = self._convert(record)
                size += len(record.value or b"")
                outcomes.append(outcome)
                if outcome.refused:
                    letters += self._letters(record, outcome)
        whole = _together(outcomes)
        self.metrics.converted(self.source.format, size, whole)
        self._read.update(ends)
        delivering = asyncio.create_task(self._deliver(whole.events, letters))
        self._chunks.append(_Chunk(ends, delivering))

    def _convert(self, record: Any) -> Outcome:
        if record.value is None:
            return Outcome(refused=[Refused(0, NULL_VALUE, "a record without a value")])
        # Some producers give no time.
        received_ms = record.timestamp if record.timestamp > 0 else time.time_ns() // 1_000_000
        return converted(self.converter, self.source.format, record.value, received_ms)

    def _letters(self, record: Any, outcome: Outcome) -> list[list[tuple[str, bytes]]]:
        """The headers of a dead letter for each reason for which records within a record were refused."""
        first: dict[str, Refused] = {}
        for refused in outcome.refused:
            first.setdefault(refused.reason, refused)
        return [
            [
                (f"{HEADER}topic", record.topic.encode()),
                (f"{HEADER}partition", b"%d" % record.partition),
                (f"{HEADER}offset", b"%d" % record.offset),
                (f"{HEADER}stage", b"intake"),
                (f"{HEADER}class", reason.encode()),
                (f"{HEADER}message", f"record {refused.position}: {refused.detail}".encode()[:500]),
            ]
            for reason, refused in first.items()
        ]

    async def _deliver(self, events: list[Event], letters: list[list[tuple[str, bytes]]]) -> None:
        try:
            told = [
                await self.producer.send(self.letters_topic, value=b"", headers=headers)
                for headers in letters
            ]
            await self.sink.put(events)
            for one in told:
                await one
        except KafkaError as error:
            raise BrokerError(f"the broker does not take a dead letter: {error!r}") from error
        self.metrics.events.labels(self.source.format).inc(len(events))
        self.metrics.dead_letters.inc(len(letters))

    async def _settle(self, most: int) -> None:
        """Go on once no more than `most` chunks are on their way; commit now and then what is there."""
        async with self._settling:
            while self._chunks:
                chunk = self._chunks[0]
                if len(self._chunks) <= most and not chunk.done.done():
                    break
                await asyncio.wait({chunk.done})  # it goes on if this is cancelled
                chunk.done.result()
                self._chunks.popleft()
                self._there.update(chunk.ends)
        if time.monotonic() - self._committed_at > COMMIT_S:
            await self._commit()

    async def _commit(self) -> None:
        mine = self.consumer.assignment()
        there = {tp: offset for tp, offset in self._there.items() if tp in mine}
        if not there:
            return
        self._committed_at = time.monotonic()
        try:
            await self.consumer.commit(there)
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            # Read again by whoever has the partition next, with the same event ids.
            log.warning("not committed", reason=repr(error))
            return
        self._there = {tp: o for tp, o in self._there.items() if there.get(tp) != o}

    def _lag(self) -> None:
        for partition in self.consumer.assignment():
            end, at = self.consumer.highwater(partition), self._read.get(partition)
            if end is not None and at is not None:
                lag = self.metrics.lag.labels(partition.topic, str(partition.partition))
                lag.set(max(0, end - at))


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """What became of several records: counting each by itself would cost a tenth of the time."""
    passed_over: Counter[str] = Counter()
    unusable: Counter[str] = Counter()
    for one in outcomes:
        if one.passed_over:
            passed_over.update(one.passed_over)
        if one.unusable:
            unusable.update(one.unusable)
    return Outcome(
        [event for one in outcomes for event in one.events],
        [refused for one in outcomes for refused in one.refused],
        passed_over,
        unusable,
        sum(one.unknown_accounts for one in outcomes),
    )


class _Rebalances(ConsumerRebalanceListener):  # aiokafka wants one of its own
    """Tells the intake of partitions that go. What it reads by then is finished before they are gone."""

    def __init__(self, intake: TopicIntake) -> None:
        self._intake = intake

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called before others may have them."""
        if self._intake.consumer is not None:
            await self._intake.revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing is kept of a partition, so there is nothing to do."""


@contextlib.asynccontextmanager
async def consuming(settings: Settings, intake: TopicIntake) -> AsyncIterator[Any]:
    """A member of the source's group, for the length of a block. Raises BrokerError."""
    with explained(settings):
        consumer = AIOKafkaConsumer(
            **client_options(settings),
            client_id="hydrawatch-intake",
            group_id=intake.source.group,
            group_instance_id=settings.instance_id,
            enable_auto_commit=False,
            # A new group begins with what is there: a gateway's records are worth a look back.
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=round(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=round(settings.heartbeat_s * 1000),
            max_poll_interval_ms=300_000,
        )
        consumer.subscribe([intake.source.topic], listener=_Rebalances(intake))
        await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
