"""Hours of accounts as the owner hears of them, for the tests of groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from detectors.exchange.activity import ACTIVITY, HOLDING, ActivityBatch, Spellings
from detectors.groups.book import GroupBook
from detectors.interface.clock import DAY_MS, HOUR_MS

BEGIN = 480_000  # an hour, late in 2024


class Seen(NamedTuple):
    """An account in an hour: its number, what it used by kind, its organisation, its age in days."""

    account: int
    values: dict[int, int | tuple[int, ...]]
    org: int = 0
    age_days: float = 100.0
    requests: int = 10


def hour_of(seen: Iterable[Seen], hour: int, source: int = 0) -> ActivityBatch:
    """What one source tells of an hour."""
    seen = list(seen)
    told = np.zeros(len(seen), ACTIVITY)
    holdings = []
    for row, one in zip(told, seen, strict=True):
        row["account"], row["org"], row["requests"] = one.account, one.org, one.requests
        row["created"] = int(hour * HOUR_MS - one.age_days * DAY_MS)
        row["first"] = max(int(row["created"]), (hour - 1) * HOUR_MS)
        row["capability"][one.account % 3] = one.requests
        row["minutes"] = one.requests
        for kind, keys in one.values.items():
            each = keys if isinstance(keys, tuple) else (keys,)
            holdings += [(one.account, key, one.requests, kind) for key in each]
    tick = (hour + 1) * 60 - 1
    return ActivityBatch(source, tick, told, np.array(holdings, HOLDING))


def book_of(*hours: Iterable[Seen]) -> GroupBook:
    """A book that has heard of some hours in turn."""
    book = GroupBook(10_000, 10_000)
    for number, seen in enumerate(hours):
        book.take([hour_of(seen, BEGIN + number)], BEGIN + number)
    return book


def spelt(values: dict[tuple[int, int], str]) -> Spellings:
    """Names of values by kind and key."""
    names = [name.encode() for name in values.values()]
    return Spellings(
        0,
        0,
        np.array([kind for kind, _ in values], np.uint8),
        np.array([key for _, key in values], np.uint64),
        np.array([len(name) for name in names], np.uint16),
        np.frombuffer(b"".join(names), np.uint8),
    )
