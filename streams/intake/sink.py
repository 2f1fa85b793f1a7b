"""Events onto the request topic: each is said to be there when the brokers have it, and not before.

A lane for each partition has one batch on its way and one open, into which all that comes meanwhile goes,
whoever brought it: many small requests cost no more than few large ones, and none waits for others.

Records are not numbered: one that the brokers refuse would leave a gap behind which nothing is taken. One
that is sent again after a lost answer may be there twice, as one that a gateway sends again; the worker
counts it once, by its event_id.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from streams.intake.outcome import Event
from streams.kafka.connection import BrokerError, explained
from streams.kafka.producers import end, lasting_producer
from streams.settings.settings import Settings

BATCH_BYTES = 256 * 1024
RECORD_BYTES = 100  # what a record costs here beside its key and value
PLACES_KNOWN = (
    500_000  # accounts whose partition is remembered: murmur2 in Python takes microseconds
)
FLUSH_S = 10.0
STOPPING = "the intake is stopping"


class Sink:
    """The request topic's end of the intake. Make it with `opened`."""

    def __init__(
        self, producer: Any, topic: str, took: Callable[[float], None] | None = None
    ) -> None:
        from aiokafka.partitioner import DefaultPartitioner

        self._producer = producer
        self._topic = topic
        self._took = took
        self._default = DefaultPartitioner()
        self._lanes: dict[int, _Lane] = {}
        self._places: dict[bytes, _Lane] = {}
        self._partitions: list[int] = []
        self.in_flight_bytes = 0

    async def start(self) -> None:
        """Learn the topic's partitions. They are looked at once: an account's place must not change."""
        self._partitions = sorted(await self._producer.partitions_for(self._topic))
        self._lanes = {
            partition: _Lane(self._producer, self._topic, partition, self._weigh)
            for partition in self._partitions
        }

    async def put(self, events: Iterable[Event]) -> None:
        """Give events to the brokers; returns when all replicas that are in step have them.

        Raises BrokerError where they are refused; it waits for ever where no broker answers.
        """
        began = time.monotonic()
        # Whoever gives up waiting takes nothing back: others' records are in the same batches.
        waiting = {self._lane(event.key).append(event) for event in events}
        if not waiting:
            return
        await asyncio.wait(waiting)
        if self._took is not None:
            self._took(time.monotonic() - began)
        for there in waiting:
            there.result()

    def waits_s(self) -> float:
        """How long the oldest batch has waited for the brokers; 0 where none does."""
        since = min((lane.since for lane in self._lanes.values()), default=float("inf"))
        return max(0.0, time.monotonic() - since)

    async def flush(self, within_s: float = FLUSH_S) -> bool:
        """Wait for what is on its way; whether all of it arrived in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                for lane in self._lanes.values():
                    await lane.settled()
                return True
        return False

    def close(self) -> None:
        """Send nothing more: who still waits is told so."""
        for lane in self._lanes.values():
            lane.close()

    def _weigh(self, size: int) -> None:
        self.in_flight_bytes += size

    def _lane(self, key: bytes) -> _Lane:
        lane = self._places.get(key)
        if lane is None:
            if len(self._places) >= PLACES_KNOWN:
                self._places.clear()
            place = self._default(key, self._partitions, self._partitions)
            lane = self._places[key] = self._lanes[place]
        return lane


class _Batch:
    """Records that go together, and when they are there."""

    __slots__ = ("builder", "size", "there")

    def __init__(self, builder: Any) -> None:
        self.builder = builder
        self.size = 0
        self.there: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class _Lane:
    """One partition: a batch on its way, full ones behind it, and one that is still open."""

    def __init__(
        self, producer: Any, topic: str, partition: int, weigh: Callable[[int], None]
    ) -> None:
        self._weigh = weigh
        self._producer = producer
        self._topic = topic
        self._partition = partition
        self._queue: deque[_Batch] = deque()  # the last one is open
        self._sender: asyncio.Task[None] | None = None
        self._closed = False
        self.since = float("inf")  # when the batch on its way began to wait

    def append(self, event: Event) -> asyncio.Future[None]:
        """Put a record into the open batch; gives when that batch is there."""
        batch = self._queue[-1] if self._queue else self._fresh()
        if not _appended(batch, event):
            batch = self._fresh()
            _appended(batch, event)
        size = len(event.key) + len(event.value) + RECORD_BYTES
        batch.size += size
        self._weigh(size)
        if self._sender is None or self._sender.done():
            # In the loop's next round: what one request brings then goes as one batch.
            self.since = time.monotonic()
            self._sender = asyncio.create_task(self._send())
        return batch.there

    def _fresh(self) -> _Batch:
        batch = _Batch(self._producer.create_batch())
        self._queue.append(batch)
        return batch

    async def settled(self) -> None:
        """Wait until nothing is on its way."""
        while self._sender is not None and not self._sender.done():
            await asyncio.wait({self._sender})

    def close(self) -> None:
        """Give up what is on its way."""
        self._closed = True
        while self._queue:
            self._end(self._queue.popleft(), BrokerError(STOPPING))
        if self._sender is not None:
            self._sender.cancel()

    async def _send(self) -> None:
        batch: _Batch | None = None
        try:
            while self._queue:
                self.since = time.monotonic()
                batch = self._queue.popleft()
                batch.builder.close()
                error = None
                if self._closed:
                    error = BrokerError(STOPPING)
                else:
                    try:
                        await (
                            await self._producer.send_batch(
                                batch.builder, self._topic, partition=self._partition
                            )
                        )
                    except Exception as problem:  # whoever brought the records is told
                        error = BrokerError(
                            f"the broker does not take it: {type(problem).__name__}"
                        )
                self._end(batch, error)
                batch = None
        finally:
            self.since = float("inf")
            if batch is not None:  # cancelled
                self._end(batch, BrokerError(STOPPING))

    def _end(self, batch: _Batch, error: BrokerError | None) -> None:
        self._weigh(-batch.size)
        if error is None:
            batch.there.set_result(None)
        else:
            batch.there.set_exception(error)
            batch.there.exception()  # if nobody waits for it any more that is no news


def _appended(batch: _Batch, event: Event) -> bool:
    # None: it is full. A first record is always taken, and none is longer than a batch.
    taken = batch.builder.append(key=event.key, value=event.value, timestamp=event.timestamp_ms)
    return taken is not None


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, took: Callable[[float], None] | None = None
) -> AsyncIterator[tuple[Sink, Any]]:
    """A connected sink and its producer, for the length of a block. Raises BrokerError.

    `took` hears how many seconds each `put` took.
    """
    with explained(settings):
        producer = await lasting_producer(
            settings,
            numbered=False,
            client_id="hydrawatch-intake",
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=30_000,
        )
    sink = Sink(producer, settings.requests_topic, took)
    try:
        with explained(settings):
            await sink.start()
        yield sink, producer
    finally:
        await sink.flush()
        sink.close()
        await end(producer)
