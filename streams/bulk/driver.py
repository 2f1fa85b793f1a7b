"""Faust at batch speed: one Faust message per fetched run of records of a bulk topic.

Faust spends 60 to 100 microseconds per message, most of it on asyncio. For the topics listed in
`BulkOptions` this driver hands over a `Chunk` of up to 2,000 records as one message, so that
agents, assignment, rebalance and commits stay Faust's while its cost is paid once per chunk.
Every other topic is read as by Faust's own aiokafka driver.

How an app uses it::

    app = faust.App("hydrawatch", broker="kafka://...", **BULK_SETTINGS, ...)
    transport = use_bulk_transport(app, BulkOptions(topics={"events"}, start_offset=where))
    topic = app.topic("events", schema=ChunkSchema())

    @app.agent(topic)
    async def ingest(stream):
        async for event in stream.noack().events():   # noack: Faust must not acknowledge
            chunk = event.value                        # decode here, never in a codec
            part = chunk.since(state[chunk.partition].next_offset)
            if part is not None:
                state[chunk.partition].ingest(part)    # no await between since() and here
    ...                                                # later, the state is durable up to offset:
    transport.ack_through(TP("events", 3), offset)     # or event.ack(), if it was kept

What the app can rely on:

- Within one assignment the chunks of a partition arrive in offset order from where `start_offset`
  put it. After each (re)assignment of any partition, Faust drops what is queued and every
  partition, kept ones included, is positioned anew: `start_offset(tp)` is asked once per
  partition, before the first chunk. An int is where to read, None means the committed offset, or
  the beginning where there is none. State that was kept answers its next offset, state that must
  be rebuilt 0; `Chunk.since` covers a chunk that an agent still held meanwhile.
- An offset is committed only when every chunk delivered before it is acknowledged. Nothing is
  ever committed backwards: while chunks below the committed offset are read again, nothing is
  committed. Chunks that were in flight at a rebalance or seek are forgotten with their
  acknowledgements. An answer of `start_offset` above the committed offset says that all below it
  is accounted for: the first acknowledged chunk commits past it.
- Records of aborted transactions are never seen, and those of an open one, with all behind it, not
  before it ends (`end`, `undecided`).
- Where the broker has deleted what was not read yet, a chunk without records says so (`Chunk.lost`), at
  its place among the others.
- Delivery is at least once. Holding an event holds its chunk's bytes; to acknowledge much later,
  keep the offset and call `ack_through`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
from faust.exceptions import ImproperlyConfigured
from faust.transport.drivers import aiokafka as stock
from faust.types import TP

from streams.bulk.consumer import BulkConsumer
from streams.bulk.options import BULK_SETTINGS, BulkOptions
from streams.bulk.transactions import OpenTransactions, Undecided


class BulkTransport(stock.Transport):
    """Faust's aiokafka transport with a consumer that reads bulk topics in chunks."""

    Consumer = BulkConsumer

    def __init__(self, url: Any, app: faust.App, options: BulkOptions) -> None:
        super().__init__(url, app)
        self.options = options
        self._transactions = OpenTransactions()

    def ack_through(self, tp: TP, offset: int) -> bool:
        """See `BulkConsumer.ack_through`."""
        done: bool = self.app.consumer.ack_through(tp, offset)
        return done

    def bulk_assignment(self) -> list[TP]:
        """The bulk partitions that are assigned."""
        assigned = self.app.consumer.assignment()
        return sorted(tp for tp in assigned if tp.topic in self.options.topics)

    def wants(self, tp: TP) -> int | None:
        """See `BulkConsumer.wants`."""
        place: int | None = self.app.consumer.wants(tp)
        return place

    def without_coordinator(self) -> bool:
        """See `BulkConsumer.without_coordinator`."""
        lost: bool = self.app.consumer.without_coordinator()
        return lost

    async def with_client(self, act: Callable[[Any], Awaitable[None]]) -> None:
        """See `BulkConsumerThread.with_client`."""
        await self.app.consumer.with_client(act)

    def answer_age_s(self, tp: TP) -> float | None:
        """See `BulkConsumer.answer_age_s`."""
        age: float | None = self.app.consumer.answer_age_s(tp)
        return age

    def group_error(self) -> BaseException | None:
        """See `BulkConsumer.group_error`."""
        error: BaseException | None = self.app.consumer.group_error()
        return error

    def read_behind(self, tp: TP, offset: int) -> int:
        """See `BulkConsumer.read_behind`."""
        behind: int = self.app.consumer.read_behind(tp, offset)
        return behind

    def unread(self, tp: TP, offset: int) -> bool:
        """Whether records lie before who has taken everything before `offset`, as far as is known."""
        end = self.end(tp)
        return end is None or self.read_behind(tp, offset) < end

    def end(self, tp: TP) -> int | None:
        """Up to where a partition may be read: its end, or where a transaction is open; None: not known."""
        high, stable = self._ends(tp)
        return high if high is None or stable is None else min(high, stable)

    def undecided(self, tp: TP) -> Undecided:
        """What lies behind an open transaction of a partition, and for how long as seen by looking."""
        return self._transactions.look(tp, *self._ends(tp))

    def _ends(self, tp: TP) -> tuple[int | None, int | None]:
        return self.app.consumer.highwater(tp), self.app.consumer.stable_end(tp)


def use_bulk_transport(app: faust.App, options: BulkOptions) -> BulkTransport:
    """Make `app` read the bulk topics in chunks; call it before the first agent or topic.

    Raises `ImproperlyConfigured` for settings under which records would be lost or a rebalance
    would hang.
    """
    needed = ("consumer_auto_offset_reset", "processing_guarantee", "stream_wait_empty")
    for name in needed:
        wanted, found = BULK_SETTINGS[name], getattr(app.conf, name)
        if getattr(found, "value", found) != wanted:
            raise ImproperlyConfigured(f"bulk topics need {name}={wanted!r}, not {found!r}")
    transport = BulkTransport(app.conf.broker_consumer, app, options)
    app.transport = transport
    return transport
