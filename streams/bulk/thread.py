"""The thread of Faust's consumer that talks to Kafka: what it fetches, and where it is sent to read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from streams.bulk.fetch import ChunkFetcher


class Consumer(Protocol):
    """What the thread needs to know of the consumer that it fetches for."""

    flow_active: bool
    chunks: ChunkFetcher


class BulkConsumerThread(stock.AIOKafkaConsumerThread):
    """The thread that talks to Kafka: takes chunks of bulk partitions, records of others."""

    consumer: Consumer

    def _create_worker_consumer(self, transport: Any) -> Any:
        created = super()._create_worker_consumer(transport)
        # What a producer has taken back was never said. Faust asks for this in its own transactions
        # only; the client reads it when it starts.
        created._isolation_level = "read_committed"
        return created

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109  (Faust's signature, here and below)
        max_records: int | None = None,
    ) -> Mapping[TP, list[Any]]:
        if not self.consumer.flow_active:
            return {}
        return await self.consumer.chunks.fetch(consumer, active_partitions, timeout, max_records)

    async def with_client(self, act: Callable[[Any], Awaitable[None]]) -> None:
        """Do something with the consumer's client, where it runs.

        Not through the thread's queue: what stands there may be what hangs.
        """

        async def there() -> None:
            await act(self._ensure_consumer()._client)

        done = asyncio.run_coroutine_threadsafe(there(), self.thread_loop)
        await asyncio.wrap_future(done)

    async def position_at(self, starts: Mapping[TP, int | None]) -> dict[TP, int]:
        """Seek to the given offsets (None: the committed one), or where records begin, if they are ours."""
        found: dict[TP, int] = await self.call_thread(self._position_at, starts)
        return found

    async def _position_at(self, starts: Mapping[TP, int | None]) -> dict[TP, int]:
        consumer = self._ensure_consumer()
        begins = await consumer.beginning_offsets(list(starts))
        found = {}
        for tp, wanted in starts.items():
            offset = await consumer.committed(tp) if wanted is None else wanted
            if tp in consumer.assignment():  # else it was taken away meanwhile
                found[tp] = max(int(begins[tp]), offset or 0)
                consumer.seek(stock.ensure_aiokafka_TP(tp), found[tp])
        return found
