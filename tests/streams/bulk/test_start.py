"""What is asked of a consumer that is still being connected: a broker may make it wait for a minute."""

from __future__ import annotations

import faust
from faust.types import TP

from streams.bulk.driver import use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions


async def test_while_it_connects_nothing_is_assigned() -> None:
    app = faust.App("waits", broker="kafka://127.0.0.1:1", **BULK_SETTINGS)
    transport = use_bulk_transport(app, BulkOptions(frozenset({"requests"})))
    assert app.consumer.assignment() == set()
    assert transport.bulk_assignment() == []
    assert transport.end(TP("requests", 0)) is None
    assert transport.undecided(TP("requests", 0)) == (0, 0.0)
    assert transport.group_error() is None
    assert not transport.without_coordinator()


class _Client:
    """The client's consumer in a rebalance: it has nothing, and says so as aiokafka does."""

    def assignment(self) -> set[TP]:
        return set()

    def highwater(self, tp: TP) -> int:
        raise AssertionError("Partition is not assigned")

    last_stable_offset = last_poll_timestamp = highwater


async def test_of_a_partition_that_is_not_assigned_at_the_moment_nothing_is_known() -> None:
    app = faust.App("waits", broker="kafka://127.0.0.1:1", **BULK_SETTINGS)
    transport = use_bulk_transport(app, BulkOptions(frozenset({"requests"})))
    app.consumer._thread._consumer = _Client()
    assert transport.end(TP("requests", 0)) is None
    assert transport.undecided(TP("requests", 0)) == (0, 0.0)
    assert app.consumer.answer_age_s(TP("requests", 0)) is None
