"""Faust's consumer for the bulk path: chunks of bulk topics, commits by ledger, start offsets.

`streams.bulk.driver` says what an app may rely on. The stock consumer is kept wherever it is right:
its checks before a message goes out (flow, generation, active partitions), its commit loop, its
rebalance. What is replaced for bulk topics, and why:

- Gaps. The stock consumer takes every jump in offsets for a gap and commits across it; chunks
  jump by construction, so that it would commit past chunks in flight.
- Acks. Committed is the acknowledged prefix in delivery order, see `streams.bulk.ledger`.
- Read offsets. The stock ones can be set from an old message after a seek, and what is then read
  again is dropped. Here each stretch of reading has a ledger of its own, and a chunk that belongs
  to another is stale.
- Positions. With tables, Faust lets the flow run before it seeks; a bulk partition is not read
  before it has been positioned. And it seeks only where something was committed, so that what was
  fetched and dropped before the first commit is lost; here a position is always set.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from faust.exceptions import ConsumerNotStarted
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from streams.bulk import coordinator
from streams.bulk.fetch import ChunkFetcher
from streams.bulk.ledger import Ledger
from streams.bulk.messages import ChunkMessage, Fetched
from streams.bulk.options import BulkOptions
from streams.bulk.read_offsets import ReadOffsets
from streams.bulk.thread import BulkConsumerThread


class Transport(Protocol):
    """What the consumer needs to know of Faust's transport that makes it."""

    @property
    def options(self) -> BulkOptions:
        """Of the app's bulk topics."""
        ...


class BulkConsumer(stock.Consumer):
    """Faust's aiokafka consumer, but for bulk topics: chunks, ledgers and start offsets."""

    def __init__(self, transport: Transport, *args: Any, **kwargs: Any) -> None:
        self.options = transport.options
        # What may be read: a bulk partition without a ledger has not been positioned yet. With
        # tables, Faust lets the flow run before it seeks, and would read from anywhere.
        self.ledgers: dict[TP, Ledger] = {}
        self.chunks = ChunkFetcher(self.options, self.ledgers, Fetched)
        self._answers: dict[TP, tuple[int, float]] = {}
        self._room = asyncio.Event()
        self._positioning: asyncio.Task[None] | None = None
        super().__init__(transport, *args, **kwargs)
        self._read_offset = ReadOffsets(self.options.topics)

    def _new_consumer_thread(self) -> BulkConsumerThread:
        return BulkConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _is_bulk(self, tp: TP) -> bool:
        return tp.topic in self.options.topics

    # -- reading

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109
        """Yield (partition, message), as the stock one but for chunks that a seek outdated."""
        async for tp, message in super().getmany(timeout):
            if message is not None:
                yield tp, message

    def _to_message(self, tp: TP, record: Any) -> Any:
        if type(record) is not Fetched:
            return super()._to_message(tp, record)
        ledger, chunk = record
        tp = ensure_TP(tp)
        if self.ledgers.get(tp) is not ledger:
            return None
        return ChunkMessage(
            ledger.deliver(chunk.first_offset, chunk.ends - 1),
            topic=chunk.topic,
            partition=chunk.partition,
            offset=chunk.last_offset,
            timestamp=int(chunk.timestamps[-1]) / 1000.0 if chunk.values else 0.0,
            timestamp_type=0,
            headers=None,
            key=None,
            value=chunk,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _wait_next_records(self, timeout: float) -> tuple[Any, Any]:  # noqa: ASYNC109
        # The stock consumer sleeps a second when all partitions' buffers are full, which a bulk
        # agent empties in a fraction of that.
        if self.flow_active and not self.app.client_only and not self._get_active_partitions():
            self._room.clear()
            await self.wait(self._room.wait(), timeout=1.0)
            return {}, set()
        records, active = await super()._wait_next_records(timeout)
        if records and active is not None:
            # The stock consumer drops what it has fetched of a partition that was paused meanwhile,
            # and reads on behind it: records would be lost. Stale chunks are told by their ledger.
            active = active | {tp for tp in map(ensure_TP, records) if self._is_bulk(tp)}
        return records, active

    def on_buffer_drop(self, tp: TP) -> None:
        """Read on, at once, from a partition whose buffer has room again."""
        super().on_buffer_drop(tp)
        self._wake()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        """Read on from partitions that were paused."""
        super().resume_partitions(tps)
        self._wake()

    def _wake(self) -> None:
        self._room.set()
        self.chunks.wake(self._thread.thread_loop)

    # -- positions

    async def perform_seek(self) -> None:
        """Position all partitions: as stock, then the bulk ones where the app wants them."""
        self._release(bulk := self._bulk_assignment())
        for tp in bulk:
            self._committed_offset.pop(tp, None)  # a commit that failed at a rebalance is in it
        try:
            await super().perform_seek()
        finally:
            # Faust gives up waiting for this after its request time-out, and reading state back may
            # take longer; nothing of a partition is read before it has been positioned. Also after
            # a seek that failed in mid-rebalance: this one may be the last to be asked for.
            if self._positioning is not None:
                self._positioning.cancel()
            self._positioning = asyncio.create_task(self._position_bulk())

    def _bulk_assignment(self) -> list[TP]:
        return sorted(tp for tp in self.assignment() if self._is_bulk(tp))

    async def _position_bulk(self) -> None:
        try:
            starts = {tp: await self.options.start_offset(tp) for tp in self._bulk_assignment()}
            # All at once: the question where records begin waits behind a fetch that waits for some.
            await self._position(starts)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self.app.crash(error)
            raise

    async def seek(self, partition: TP, offset: int) -> None:
        """Read on from `offset`."""
        if self._is_bulk(partition):
            await self._position({ensure_TP(partition): offset})
        else:
            await super().seek(partition, offset)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Read on from the given offsets, and wait until that is settled."""
        await self._position(
            {ensure_TP(tp): o for tp, o in partitions.items() if self._is_bulk(tp)}
        )
        if others := {tp: at for tp, at in partitions.items() if not self._is_bulk(tp)}:
            await super().seek_wait(others)

    async def _position(self, starts: Mapping[TP, int | None]) -> None:
        if not starts:
            return
        self._release(starts)
        found = await self._thread.position_at(starts)
        for tp, offset in found.items():
            self.ledgers[tp] = Ledger(offset, starts[tp] or 0)
        self._wake()

    def _release(self, tps: Iterable[TP]) -> None:
        for tp in tps:
            self.ledgers.pop(tp, None)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Release what was in flight of the partitions that are taken away."""
        if self._positioning is not None:
            self._positioning.cancel()
        self._release(revoked)
        await super().on_partitions_revoked(revoked)

    def assignment(self) -> set[TP]:
        """What is assigned; nothing while the consumer connects, for as long as brokers make it wait."""
        try:
            assigned: set[TP] = super().assignment()
        except ConsumerNotStarted:
            return set()
        return assigned

    # -- commits

    def ack_through(self, tp: TP, offset: int) -> bool:
        """Everything delivered of a bulk partition up to `offset`, inclusive, is done.

        False when the partition is not ours at the moment (then nothing happens).
        """
        ledger = self.ledgers.get(tp)
        if ledger is not None:
            ledger.ack_through(offset)
        return ledger is not None

    def read_behind(self, tp: TP, offset: int) -> int:
        """Where reading stands for who has taken every record of a bulk partition before `offset`."""
        ledger = self.ledgers.get(tp)
        return offset if ledger is None else ledger.hollow.behind(offset)

    def _known(self, what: str, tp: TP) -> int | None:
        """What the client's consumer knows of a partition; None while it does not have that.

        A stage may be there for longer than its partition: in a rebalance, or where its topic was deleted.
        """
        consumer, wanted = self._thread._consumer, stock.ensure_aiokafka_TP(tp)
        if consumer is None or wanted not in consumer.assignment():
            return None
        found: int | None = getattr(consumer, what)(wanted)
        return found

    def highwater(self, tp: TP) -> int | None:
        """Where a partition ends, as the broker last told it; None: not known."""
        return self._known("highwater", tp)

    def stable_end(self, tp: TP) -> int | None:
        """Before which offset no transaction is open, as the broker last told it; None: not known."""
        found = self._known("last_stable_offset", tp)
        return (
            None if found is None or found < 0 else found
        )  # -1: a broker that has no transactions

    def wants(self, tp: TP) -> int | None:
        """Where a bulk partition is to be read on that brokers have given nothing of; else None.

        None where nothing is asked for: it has not been positioned, is paused, waits for room, or has
        data at hand.
        """
        ledger, consumer = self.ledgers.get(tp), self._thread._consumer
        if ledger is None or consumer is None or tp not in self._get_active_partitions():
            return None
        fetcher = consumer._fetcher
        if fetcher is None or stock.ensure_aiokafka_TP(tp) in fetcher._records:
            return None
        return ledger.hollow.behind(ledger.end)

    def without_coordinator(self) -> bool:
        """Whether nobody is known who coordinates the group."""
        return coordinator.is_unknown(self._thread._consumer)

    async def with_client(self, act: Callable[[Any], Awaitable[None]]) -> None:
        """See `BulkConsumerThread.with_client`."""
        await self._thread.with_client(act)

    def answer_age_s(self, tp: TP) -> float | None:
        """How long ago the broker last answered for a partition, with or without records.

        As seen by looking: the client notes the wall clock, which may jump, so that only a change of
        its note counts, and when we saw that.
        """
        answered = self._known("last_poll_timestamp", tp)
        if answered is None:
            return None
        note, seen = self._answers.get(tp, (None, 0.0))
        if note != answered:
            seen = time.monotonic()
            self._answers[tp] = answered, seen
        return time.monotonic() - seen

    def group_error(self) -> BaseException | None:
        """See `coordinator.error_of`."""
        return coordinator.error_of(self._thread._consumer)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        for tp in {*super()._filter_tps_with_pending_acks(topics), *self.ledgers}:
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if not self._is_bulk(tp):
            offset: int | None = super()._new_offset(tp)
            return offset
        self._acked.pop(tp, None)  # Faust's list of acks, which the ledger replaces
        self._acked_index.pop(tp, None)
        ledger = self.ledgers.get(tp)
        return ledger.committable() if ledger is not None else None

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        # Chunks span offsets by construction: to call them a gap commits what is in flight.
        if not self._is_bulk(tp):
            await super()._add_gap(tp, offset_from, offset_to)
