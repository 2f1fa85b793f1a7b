"""What may be committed for a partition that is read in chunks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import faust
import numpy as np
import pytest
from faust.exceptions import ImproperlyConfigured
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.bulk.chunks import Chunk
from streams.bulk.consumer import BulkConsumer
from streams.bulk.driver import use_bulk_transport
from streams.bulk.ledger import Ledger
from streams.bulk.messages import ChunkMessage, Fetched
from streams.bulk.options import BULK_SETTINGS, BulkOptions, ChunkSchema

if TYPE_CHECKING:
    from collections.abc import Callable

P0 = TP("bulk", 0)
PLAIN = TP("plain", 0)


def chunk(first: int, last: int, tp: TP = P0, step: int = 1) -> Chunk:
    offsets = np.arange(first, last + 1, step, dtype=np.int64)
    values: list[bytes | None] = [b"%d" % offset for offset in offsets]
    return Chunk(
        tp.topic,
        tp.partition,
        values,
        [None] * len(values),
        offsets,
        offsets,
        10_000,
        int(offsets[0]),
        int(offsets[-1]) + 1,
    )


class TestLedger:
    def test_nothing_may_be_committed_before_an_ack(self) -> None:
        ledger = Ledger(0)
        ledger.deliver(0, 99)
        assert ledger.committable() is None

    def test_an_ack_commits_to_behind_its_chunk(self) -> None:
        ledger = Ledger(0)
        ledger.deliver(0, 99).acked = True
        assert ledger.committable() == 100

    def test_an_ack_behind_an_open_chunk_commits_nothing(self) -> None:
        ledger = Ledger(0)
        ledger.deliver(0, 99)
        ledger.deliver(100, 199).acked = True
        assert ledger.committable() is None

    def test_the_ack_that_closes_the_hole_commits_all_behind_it(self) -> None:
        ledger = Ledger(0)
        chunks = [ledger.deliver(first, first + 99) for first in (0, 100, 200)]
        chunks[2].acked = chunks[1].acked = True
        assert ledger.committable() is None
        chunks[0].acked = True
        assert ledger.committable() == 300

    def test_holes_in_the_offsets_do_not_hold_a_commit_up(self) -> None:
        ledger = Ledger(0)
        chunks = [ledger.deliver(5, 40), ledger.deliver(77, 90), ledger.deliver(93, 93)]
        chunks[0].acked = chunks[1].acked = True
        assert ledger.committable() == 91
        chunks[2].acked = True
        assert ledger.committable() == 94

    def test_a_chunk_read_again_replaces_the_one_in_flight(self) -> None:
        ledger = Ledger(0)
        stale = [ledger.deliver(0, 99), ledger.deliver(100, 199)]
        ledger.deliver(50, 149)
        for delivery in stale:
            delivery.acked = True
        assert ledger.committable() is None

    def test_acking_through_an_offset_may_end_inside_a_chunk(self) -> None:
        ledger = Ledger(0)
        ledger.deliver(0, 99)
        ledger.deliver(100, 199)
        ledger.ack_through(150)
        assert ledger.committable() == 151
        assert ledger.in_flight == 1

    def test_what_was_not_delivered_cannot_be_acked(self) -> None:
        ledger = Ledger(0)
        ledger.deliver(0, 99)
        ledger.ack_through(10_000)
        assert ledger.committable() == 100
        ledger.deliver(100, 199)
        assert ledger.committable() == 100

    def test_acking_what_lies_before_the_start_commits_nothing(self) -> None:
        ledger = Ledger(500)
        ledger.deliver(500, 599)
        ledger.ack_through(499)
        assert ledger.committable() is None

    @given(st.data())
    def test_the_commit_is_always_the_acked_prefix(self, data: st.DataObject) -> None:
        sizes = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 5)), max_size=12))
        ledger, at, deliveries = Ledger(0), 0, []
        for hole, size in sizes:
            deliveries.append(ledger.deliver(at + hole, at + hole + size - 1))
            at += hole + size
        for delivery in data.draw(st.permutations(deliveries)):
            delivery.acked = True
            prefix = [d.last + 1 for d in deliveries]
            for done, each in enumerate(deliveries):
                if not each.acked:
                    prefix = prefix[:done]
                    break
            assert ledger.committable() == (prefix[-1] if prefix else None)


@pytest.fixture
def consumer() -> BulkConsumer:
    """A real consumer that was never started: it has no connection, but all its bookkeeping."""
    return new_consumer()


def new_consumer(start: Callable[[TP], int | None] = lambda _tp: None) -> BulkConsumer:
    app = faust.App("hydrawatch-test", broker="kafka://127.0.0.1:1", **BULK_SETTINGS)
    use_bulk_transport(app, BulkOptions(frozenset({"bulk"}), start))
    app.topics._acking_topics.update({"bulk", "plain"})
    app.loop = asyncio.new_event_loop()
    consumer = app.transport.create_consumer(
        _never, on_partitions_revoked=_never, on_partitions_assigned=_never
    )
    app.consumer = consumer
    consumer.ledgers[P0] = Ledger(0)
    assert isinstance(consumer, BulkConsumer)
    return consumer


async def _never(*_args: Any, **_kwargs: Any) -> None: ...


def deliver(consumer: BulkConsumer, *chunks: Chunk) -> list[ChunkMessage]:
    messages = [consumer._to_message(P0, Fetched(consumer.ledgers[P0], each)) for each in chunks]
    for message in messages:
        message.incref()
    return messages


def would_commit(consumer: BulkConsumer) -> dict[TP, int]:
    found: dict[TP, int] = consumer._filter_committable_offsets(
        list(consumer._filter_tps_with_pending_acks())
    )
    return found


class TestConsumer:
    async def test_acks_out_of_order_commit_only_the_prefix(self, consumer: BulkConsumer) -> None:
        first, second, third = deliver(consumer, chunk(0, 9), chunk(10, 19), chunk(20, 29))
        third.ack(consumer)
        second.ack(consumer)
        assert would_commit(consumer) == {}
        first.ack(consumer)
        assert would_commit(consumer) == {P0: 30}

    async def test_a_chunk_for_two_agents_is_done_when_both_are(
        self, consumer: BulkConsumer
    ) -> None:
        (message,) = deliver(consumer, chunk(0, 9))
        message.incref()
        message.ack(consumer)
        assert would_commit(consumer) == {}
        message.ack(consumer)
        assert would_commit(consumer) == {P0: 10}

    async def test_faust_finds_no_gaps_in_a_bulk_topic(self, consumer: BulkConsumer) -> None:
        await consumer._add_gap(P0, 0, 99)
        deliver(consumer, chunk(0, 99))
        (message,) = deliver(consumer, chunk(100, 199))
        message.ack(consumer)
        assert would_commit(consumer) == {}

    async def test_other_topics_keep_fausts_own_gaps(self, consumer: BulkConsumer) -> None:
        await consumer._add_gap(PLAIN, 0, 9)
        consumer._acked[PLAIN].append(10)
        assert would_commit(consumer) == {PLAIN: 11}

    async def test_nothing_is_committed_while_reading_below_the_committed_offset(
        self, consumer: BulkConsumer
    ) -> None:
        consumer._committed_offset[P0] = 1000
        below, across = deliver(consumer, chunk(0, 499), chunk(500, 1099))
        below.ack(consumer)
        assert would_commit(consumer) == {}
        across.ack(consumer)
        assert would_commit(consumer) == {P0: 1100}

    async def test_a_revoked_partitions_acks_mean_nothing(self, consumer: BulkConsumer) -> None:
        (message,) = deliver(consumer, chunk(0, 9))
        consumer._release({P0})
        message.ack(consumer)
        assert would_commit(consumer) == {}
        consumer.ledgers[P0] = Ledger(0)  # and it comes back
        deliver(consumer, chunk(0, 9))
        assert would_commit(consumer) == {}

    async def test_a_chunk_fetched_before_a_seek_is_not_handed_on(
        self, consumer: BulkConsumer
    ) -> None:
        stale = Fetched(consumer.ledgers[P0], chunk(900, 999))
        consumer.ledgers[P0] = Ledger(0)
        assert consumer._to_message(P0, stale) is None

    async def test_a_stale_read_offset_does_not_drop_what_is_read_again(
        self, consumer: BulkConsumer
    ) -> None:
        consumer._read_offset[P0] = 999
        consumer._read_offset[PLAIN] = 999
        assert consumer._read_offset[P0] is None
        assert consumer._read_offset[PLAIN] == 999

    async def test_acking_through_a_partition_of_others_says_so(
        self, consumer: BulkConsumer
    ) -> None:
        assert consumer.ack_through(P0, 0)
        assert not consumer.ack_through(TP("bulk", 1), 0)

    async def test_an_acked_chunk_is_committed_once(self, consumer: BulkConsumer) -> None:
        (message,) = deliver(consumer, chunk(0, 9))
        message.ack(consumer)
        assert would_commit(consumer) == {P0: 10}
        consumer._committed_offset[P0] = 10
        assert would_commit(consumer) == {}

    async def test_a_chunk_passes_the_schema_undecoded(self, consumer: BulkConsumer) -> None:
        (message,) = deliver(consumer, chunk(0, 9))
        event = await ChunkSchema().decode(consumer.app, message)
        assert event.value is message.value
        assert message.offset == 9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("consumer_auto_offset_reset", "latest"),
        ("stream_wait_empty", True),
        ("processing_guarantee", "exactly_once"),
    ],
)
def test_settings_that_would_lose_records_are_refused(name: str, value: Any) -> None:
    settings = {**BULK_SETTINGS, name: value}
    app = faust.App("hydrawatch-test", broker="kafka://127.0.0.1:1", **settings)
    with pytest.raises(ImproperlyConfigured, match=name):
        use_bulk_transport(app, BulkOptions(frozenset({"bulk"})))
