"""The owner's book of groups: an hour of all accounts in, the groups as they are now out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.activity import ActivityBatch, Spellings
from detectors.groups.forming import Groups, form
from detectors.groups.holdings import HELD, by_value, fade, merged
from detectors.groups.leaders import Leaders
from detectors.groups.looks import looks_of, primaries
from detectors.groups.members import Members, standardised
from detectors.groups.spelling import SpellingBook
from detectors.interface.clock import DAY_MS, HOUR_MS, NO_TIME
from detectors.interface.key_kinds import TEMPLATE

_COMPACT_HOURS = 24
CROWDED = 1.1  # times a budget: what is beyond goes at once, not at the day's end
OLD_DAYS = 21  # an organisation of which half are that old was not made with its members
ACTIVE = 0.3  # of a request, faded: who is of the population that groups are compared with


class Picture(NamedTuple):
    """All groups at an hour's end, and what they look like (float64, groups x `LOOKS`)."""

    hour: int
    groups: Groups
    looks: NDArray[np.float64]
    members: NDArray[Any]  # MEMBER rows
    left: NDArray[np.float32]  # what is left of their sums
    requests: NDArray[np.float64]  # of each, faded
    features: NDArray[np.float32]  # of `standardised`
    primary: NDArray[np.uint64]  # of `primaries`


class GroupBook:
    """Members, what they hold, and templates."""

    def __init__(self, members: int, leaders: int) -> None:
        self.members = Members(members)
        self.leaders = Leaders(leaders)
        self.spellings = SpellingBook()
        self.held: NDArray[np.void] = np.zeros(0, HELD)
        self.hour = NO_TIME
        self._compacted = NO_TIME  # the day of the last compaction
        self.latest: Picture | None = None

    @property
    def size(self) -> int:
        """How many groups there are."""
        return 0 if self.latest is None else int(self.latest.groups.kinds.size)

    def take(self, batches: Iterable[ActivityBatch], hour: int) -> None:
        """Take an hour of all sources, in order of source and part."""
        batches = list(batches)
        told = _one_each(np.concatenate([b.accounts for b in batches]))
        self.members.add(told, hour)
        new = self._held(np.concatenate([b.holdings for b in batches]), hour)
        left = 1.0 if self.hour == NO_TIME else fade(hour - self.hour)
        self.held = merged(self.held, new, left)
        self.hour = hour
        crowded = len(self.members) > self.members.capacity * CROWDED or (
            self.leaders.count > self.leaders.capacity * CROWDED
        )
        if crowded or hour // _COMPACT_HOURS != self._compacted:
            self._compacted = hour // _COMPACT_HOURS
            self.leaders.compact(hour)
            self._renumber(self.members.compact(hour))

    def spell(self, batch: Spellings) -> None:
        """Take what values are called."""
        self.spellings.add(batch)

    def picture(self) -> Picture:
        """The groups as they are now; `latest` until the next."""
        rows = self.members.rows
        groups = form(self.held, settled(rows, self.hour))
        left = self.members.faded(self.hour)
        requests = (rows["requests"] * left).astype(np.float64)
        features = standardised(rows, requests >= ACTIVE, self.hour)
        primary = primaries(self.held, rows.size)
        looks = looks_of(groups, rows, left, features, primary, self.hour)
        self.latest = Picture(self.hour, groups, looks, rows, left, requests, features, primary)
        return self.latest

    def erase(self, accounts: Iterable[int]) -> None:
        """Forget accounts, what values were called that nobody else holds, and the last picture."""
        numbers = self.members.erase(np.array(sorted(accounts), np.uint64))
        if numbers is not None:
            self._renumber(numbers)
            self.spellings.only(self.held)
            self.latest = None  # its rows are others now

    def tables(self) -> dict[str, NDArray[Any]]:
        """What is to be kept, by table."""
        return {
            "group_members": self.members.rows,
            "group_holdings": self.held,
            "group_leaders": self.leaders.kept,
            "group_hour": np.array([self.hour, self._compacted, self.latest is not None], np.int64),
            **self.spellings.tables(),
        }

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Go on from what was kept, as bytes; from nothing where nothing was."""
        if "group_members" not in tables:
            return
        self.members.restore(tables["group_members"])
        self.held = tables["group_holdings"].view(HELD).copy()
        self.leaders.restore(tables["group_leaders"])
        hour, compacted, pictured = tables["group_hour"].view(np.int64).tolist()
        self.hour, self._compacted = hour, compacted
        self.spellings.restore(tables)
        if pictured:
            self.picture()

    def _held(self, told: NDArray[np.void], hour: int) -> NDArray[np.void]:
        """HOLDING rows as HELD rows in order of value, each value and member once."""
        told = told[np.lexsort((told["key"], told["account"], told["kind"]))]
        rows = self.members.find(told["account"])
        known = rows >= 0
        told, rows = told[known], rows[known]
        new = np.zeros(told.size, HELD)
        new["key"], new["kind"], new["row"] = told["key"], told["kind"], rows
        new["count"], new["joined"] = told["requests"], hour
        worded = new["kind"] == TEMPLATE
        new["key"][worded] = self.leaders.lead(new["key"][worded].copy(), hour)
        return by_value(new)

    def _renumber(self, numbers: NDArray[np.int64] | None) -> None:
        if numbers is not None:
            rows = numbers[self.held["row"]]
            self.held["row"] = rows
            self.held = self.held[rows >= 0]


def _one_each(told: NDArray[np.void]) -> NDArray[np.void]:
    """ACTIVITY with one row an account: what several partitions tell of one is added up."""
    order = np.argsort(told["account"], kind="stable")
    told = told[order]
    first = np.ones(told.size, np.bool_)
    first[1:] = told["account"][1:] != told["account"][:-1]
    if first.all():
        return told
    at = np.flatnonzero(first)
    one = told[at].copy()
    for name in told.dtype.names or ():
        if name in ("account", "org", "created", "cohort"):
            continue
        add = np.minimum if name == "first" else np.add
        # Mixes are 16 bits wide, and saturate.
        most = np.iinfo(told.dtype[name].base).max
        one[name] = np.minimum(add.reduceat(told[name].astype(np.int64), at), most)
    return one


def settled(rows: NDArray[Any], hour: int) -> NDArray[np.uint64]:
    """Each member's organisation (uint64, n), 0 where it has none, or one as new as its members.

    `rows` are MEMBER. Who makes an organisation of accounts that he has made is not one party by that.
    """
    orgs, places = np.unique(rows["org"], return_inverse=True)
    old = rows["created"] <= (hour + 1) * HOUR_MS - OLD_DAYS * DAY_MS
    of = np.bincount(places, minlength=orgs.size)
    olds = np.bincount(places, old, orgs.size)
    found: NDArray[np.uint64] = np.where(2 * olds >= of, orgs, np.uint64(0))[places]
    return found
