"""What is asked of a consumer that is still being connected: a broker may make it wait for a minute."""

from __future__ import annotations

import faust

from streams.bulk.driver import use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions


async def test_while_it_connects_nothing_is_assigned() -> None:
    app = faust.App("waits", broker="kafka://127.0.0.1:1", **BULK_SETTINGS)
    transport = use_bulk_transport(app, BulkOptions(frozenset({"requests"})))
    assert app.consumer.assignment() == set()
    assert transport.bulk_assignment() == []
    assert transport.group_error() is None
    assert not transport.without_coordinator()
