"""Time and memory of the engine: lateness, idleness, and the byte budgets that bound every table.

All counts of rows are per partition, because the partition is the unit of state: a worker with
four partitions holds four times as much. Tables are allocated at these sizes and touched lazily,
so that an unused budget costs address space, not resident memory.
"""

from __future__ import annotations

from dataclasses import dataclass

from detectors.interface.tunable import tunable


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Event time: partitions, lateness and idleness."""

    partitions: int = tunable(
        4, "state is per partition: their number decides who shares a budget", low=1, high=1024
    )
    allowed_lateness_minutes: int = tunable(
        10, "gateways hand over within seconds and retry for minutes", low=1, high=1440
    )
    idle_gap_minutes: int = tunable(
        5, "a partition without traffic trails by this much and holds back nobody", low=1, high=1440
    )
    future_minutes: int = tunable(
        5, "clocks differ by seconds; an event minutes ahead of its record is wrong", low=1, high=60
    )

    outage_nats: float = tunable(
        50.0, "account-minutes missed in an outage; chance misses half as many", low=5, high=10_000
    )
    outage_share: float = tunable(
        0.1, "an hour below this share of its kind is an outage; a holiday is not", low=0, high=0.9
    )
    outage_hours: int = tunable(
        48, "what lasts longer is the new habit, and is learned", low=2, high=720
    )


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """Rows that each table of one partition may hold; what is beyond is evicted, oldest first."""

    accounts: int = tunable(
        400_000, "a million live accounts over four partitions, and room", low=1_000, high=8_000_000
    )
    minute_rows: int = tunable(
        500_000, "open account-minutes: lateness times the busiest one", low=1_000, high=8_000_000
    )
    dedupe_entries: int = tunable(
        1 << 20, "event ids within the lateness horizon; 12 bytes each", low=1 << 10, high=1 << 28
    )
    sightings: int = tunable(
        1 << 20, "earlier values of accounts, this period; 8 bytes each", low=1 << 10, high=1 << 28
    )
    single_keys: int = tunable(
        700_000, "values that one account alone holds so far", low=1_000, high=1 << 27
    )
    shared_keys: int = tunable(
        100_000, "values that two or more accounts hold", low=100, high=4_000_000
    )
    templates: int = tunable(
        1 << 17, "recent templates per LSH band, to seek near-equals in", low=1 << 10, high=1 << 24
    )
    member_cap: int = tunable(
        512,
        "members named per value, of a card or device eight times as many; another is a hub beyond",
        low=16,
        high=4096,
    )
    account_expiry_days: int = tunable(
        35, "an account silent for longer starts anew; monthly jobs stay known", low=2, high=400
    )
    key_expiry_days: int = tunable(
        14, "a value unused for longer links nobody any more", low=2, high=400
    )
