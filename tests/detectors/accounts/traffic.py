"""Requests of accounts that take turns, and what a partition counts of them as late or sets aside."""

from __future__ import annotations

from typing import Any

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.decode.rejects import FROM_THE_FUTURE
from tests.stage_stories import DAY, START, config, feed, request

WEEK = 7 * DAY


Events = list[dict[str, Any]]


def traffic(
    count: int, accounts: int = 20, spacing: int = 6_000, first: int = START, number: int = 0
) -> Events:
    """So many requests of accounts that take turns."""
    return [
        request(number + n, first + n * spacing, f"a-{(number + n) % accounts}")
        for n in range(count)
    ]


def taken(events: Events, batch: int = 0) -> AccountPartition:
    partition = AccountPartition(config(), 0)
    feed(partition, events, batch)
    return partition


def late(partition: AccountPartition) -> int:
    return int(partition.counters[st.LATE])


def aside(partition: AccountPartition) -> int:
    refused = partition.take_refused()
    assert {one.reason for one in refused} <= {FROM_THE_FUTURE}
    assert len(refused) == partition.counters[st.TOO_FAR]
    return len(refused)
