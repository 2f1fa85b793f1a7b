"""Events onto the request topic as a gateway's producer would put them there, only faster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from streams.settings.settings import Settings

# Well under the topic's 1 MiB, large enough that the broker's answers do not set the pace.
BATCH_BYTES = 256 * 1024


class Batch(Protocol):
    """Records in order: keys (account_id), values (JSON) and record timestamps in ms."""

    @property
    def keys(self) -> Sequence[bytes]:
        """One per record."""
        ...

    @property
    def values(self) -> Sequence[bytes]:
        """One per record."""
        ...

    @property
    def timestamps(self) -> Any:
        """One whole number per record: a sequence or a column."""
        ...


async def produce(
    settings: Settings,
    batches: Iterable[Batch],
    *,
    speed_up: float = 0.0,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Send all records, each partition in order; returns how many once the broker has them all.

    `speed_up` paces record timestamps at so many times real time; 0 is as fast as the broker takes
    them. `progress` gets the number sent so far. Uncompressed, acknowledged by all replicas.
    Raises BrokerError.
    """
    from streams.kafka.producers import brief_producer

    async with brief_producer(
        settings,
        client_id="hydrawatch-produce",
        max_batch_size=BATCH_BYTES,
        request_timeout_ms=30_000,
    ) as producer:
        partitions = sorted(await producer.partitions_for(settings.requests_topic))
        sender = _Sender(producer, settings.requests_topic, partitions)
        sent = 0
        pace = _Pace(speed_up)
        for batch in batches:
            for key, value, timestamp in zip(
                batch.keys, batch.values, _whole(batch.timestamps), strict=True
            ):
                if speed_up and (wait := pace.wait_s(timestamp)) > 0:
                    await sender.flush()
                    await asyncio.sleep(wait)
                await sender.append(key, value, timestamp)
            sent += len(batch.keys)
            if progress is not None:
                progress(sent)
        await sender.flush()
        await sender.settled()
    return sent


class _Pace:
    """When a record is due, if event time runs so many times faster than the clock."""

    def __init__(self, speed_up: float) -> None:
        self._speed_up = speed_up
        self._first: int | None = None
        self._start = 0.0

    def wait_s(self, timestamp: int) -> float:
        now = time.monotonic()
        if self._first is None:
            self._first, self._start = timestamp, now
        return self._start + (timestamp - self._first) / 1000 / self._speed_up - now


class _Sender:
    """One open batch per partition; a full one is sent and its successor begun.

    Whole batches cost a tenth of a `send` per record, and one future instead of thousands.
    """

    def __init__(self, producer: Any, topic: str, partitions: Sequence[int]) -> None:
        from aiokafka.partitioner import DefaultPartitioner

        self._producer = producer
        self._topic = topic
        self._partitions = list(partitions)
        self._default = DefaultPartitioner()
        self._open = {partition: producer.create_batch() for partition in partitions}
        self._place: dict[bytes, int] = {}
        self._pending: dict[int, asyncio.Future[Any]] = {}

    async def append(self, key: bytes, value: bytes, timestamp: int) -> None:
        place = self._place.get(key)
        if place is None:
            # Java's murmur2 in plain Python: once per account, not once per record.
            place = self._place[key] = self._default(key, self._partitions, self._partitions)
        # A batch that is full takes nothing and says None.
        if self._open[place].append(key=key, value=value, timestamp=timestamp) is None:
            await self._send(place)
            self._open[place].append(key=key, value=value, timestamp=timestamp)

    async def flush(self) -> None:
        """Send what is in the open batches."""
        for place, batch in list(self._open.items()):
            if batch.record_count():
                await self._send(place)

    async def settled(self) -> None:
        """Wait until the broker has everything; raises what went wrong."""
        await asyncio.gather(*self._pending.values())

    async def _send(self, place: int) -> None:
        batch, self._open[place] = self._open[place], self._producer.create_batch()
        batch.close()
        before = self._pending.get(place)
        if before is not None and before.done():
            before.result()  # an error ends the run at the next batch, not at the end
        sent = await self._producer.send_batch(batch, self._topic, partition=place)
        self._pending[place] = _after(before, sent)


def _after(before: asyncio.Future[Any] | None, sent: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """`sent`, but failing if the batch before it failed."""
    if before is None or (before.done() and not before.exception()):
        return sent
    return asyncio.ensure_future(_both(before, sent))


async def _both(before: asyncio.Future[Any], sent: asyncio.Future[Any]) -> None:
    await before
    await sent


def _whole(timestamps: Any) -> Any:
    # numpy integers are refused by aiokafka's compiled record builder.
    return timestamps.tolist() if hasattr(timestamps, "tolist") else timestamps
