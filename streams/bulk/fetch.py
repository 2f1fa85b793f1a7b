"""The fetch loop of the bulk path: aiokafka's `fetched_records`, with chunks for bulk topics.

Runs in the consumer's thread. Like the original it first gives what is there and waits only when
nothing is; unlike it, it takes one chunk per bulk partition and call, whatever the number of
other records, and it stops waiting when a full buffer has room again (`wake`): the partition that
was held back usually has records at hand, while the ones waited for may be idle for seconds.

Where the client starts over at a later place (`auto_offset_reset`, or a start that is no more), what
lies between is given out as a chunk that says so, once the broker has said that it deleted it
(`streams.bulk.jumps`); also where nothing lies behind it, and no record would ever tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka.consumer.fetcher import FetchResult
from aiokafka.errors import ConsumerStoppedError
from faust.transport.consumer import ensure_TP
from faust.types import TP

from streams.bulk.chunks import take_chunk
from streams.bulk.jumps import Jumps, position_of
from streams.bulk.ledger import Ledger
from streams.bulk.options import BulkOptions


class ChunkFetcher:
    """Takes fetched data out of an aiokafka consumer: chunks of bulk topics, records of others."""

    def __init__(
        self,
        options: BulkOptions,
        ledgers: Mapping[TP, Ledger],
        fetched: Callable[[Ledger, Any], Any],
    ) -> None:
        self._options = options
        self._ledgers = ledgers
        self._fetched = fetched
        self._waiter: asyncio.Future[None] | None = None
        self._woken = False  # by a wake that came between a look and the wait that follows it
        self._jumps = Jumps(self._wake)

    async def fetch(
        self, consumer: Any, active: set[TP], seconds: float | None, max_records: int | None
    ) -> dict[TP, list[Any]]:
        """Return what is there of the `active` partitions, waiting `seconds` for it.

        `active` is the caller's live set: what is added to it while this waits is looked at.
        """
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        deadline = time.monotonic() + (seconds or 0.0)
        with fetcher._subscriptions.fetch_context():
            while True:
                # Data of the old assignment must not be given out during a rebalance.
                if fetcher._subscriptions.reassignment_in_progress:
                    await fetcher._subscriptions.wait_for_assignment()
                self._woken = False
                drained = self._drain(consumer, active, max_records)
                left = deadline - time.monotonic()
                if drained or left <= 0.0:
                    return drained
                waiter = self._waiter = fetcher._create_fetch_waiter()
                if self._woken:
                    self._wake()
                try:
                    done, _ = await asyncio.wait([waiter], timeout=left)
                finally:
                    self._waiter = None
                    if not waiter.done():
                        waiter.cancel()
                if not done or fetcher._closed:
                    return {}
                waiter.result()  # raises what the coordinator has against us

    def wake(self, loop: asyncio.AbstractEventLoop) -> None:
        """End a wait, from another thread: there may be data that was not wanted before."""
        self._woken = True
        if self._waiter is not None:
            with contextlib.suppress(RuntimeError):  # the thread's loop is closed already
                loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _drain(
        self, consumer: Any, active: set[TP], max_records: int | None
    ) -> dict[TP, list[Any]]:
        fetcher = consumer._fetcher
        drained: dict[TP, list[Any]] = {}
        room = max_records
        known = ((tp, self._ledgers.get(ensure_TP(tp))) for tp in list(active))
        mine = {tp: ledger for tp, ledger in known if ledger is not None}
        gone = self._jumps.look(consumer, mine)
        for tp, told in gone.items():
            if told is not None:
                drained[tp] = [self._fetched(mine[tp], told)]
        for tp in list(fetcher._records):
            if tp not in active:
                if not fetcher._subscriptions.is_assigned(tp):
                    del fetcher._records[tp]
                continue
            result = fetcher._records[tp]
            if type(result) is not FetchResult:
                if drained:
                    continue  # the error is raised by the next call
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
                result.check_raise()
                continue
            if tp.topic in self._options.topics:
                ledger = mine.get(tp)
                if ledger is None or tp in gone:
                    continue  # not positioned yet, or it may be another place than we think
                most = self._options.chunk_records, self._options.chunk_bytes
                chunk = take_chunk(result, *most, ledger.hollow)
                ledger.reading = position_of(result._assignment, tp, ledger.reading)
                records = [] if chunk is None else [self._fetched(ledger, chunk)]
            elif room == 0:
                continue
            else:
                records = result.getall(room)
                room = room if room is None else room - len(records)
            if not result.has_more():
                del fetcher._records[tp]
                fetcher._notify(fetcher._wait_consume_future)
            if records:
                drained[tp] = records
        return drained
