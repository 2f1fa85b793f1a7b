"""The accounts that groups are made of: what each does, faded by half every two days, a row each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.groups.holdings import HALF_LIFE_HOURS
from detectors.interface.clock import DAY_MS, HOUR_MS
from detectors.interface.columns import CAPABILITY_SLOTS, MANNERS
from detectors.interface.looks import OF_MEMBER

HOURS = 24
_SUMS = ("requests", "input", "output", "minutes", "unworded", "cot", "grading", *MANNERS)
MEMBER = np.dtype(
    [
        ("fp", "<u8"),
        ("org", "<u8"),
        ("created", "<i8"),
        ("first", "<i8"),
        ("hour", "<i4"),  # to which its sums are faded, and in which it was last active
        ("cohort", "u1"),
        *((name, "<f4") for name in _SUMS),
        ("capability", "<f4", (CAPABILITY_SLOTS,)),
        ("hours", "<f4", (HOURS,)),  # requests by hour of the day
    ],
)
SILENT_HOURS = 14 * 24  # a member that was silent for longer is forgotten


class Members:
    """Rows of MEMBER by fingerprint; a row keeps its number until `compact`."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.evicted = 0
        self.rows: NDArray[Any] = np.zeros(0, MEMBER)
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)

    def __len__(self) -> int:
        """How many there are."""
        return self.rows.size

    def find(self, accounts: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The rows of accounts (uint64, n), -1 where there is none: int64, n."""
        if not self.rows.size:
            return np.full(accounts.size, -1, np.int64)
        known = self.rows["fp"][self._order]
        places = np.minimum(np.searchsorted(known, accounts), known.size - 1)
        return np.where(known[places] == accounts, self._order[places], -1)

    def add(self, told: NDArray[np.void], hour: int) -> None:
        """Take what accounts did in an hour: ACTIVITY rows, one an account."""
        rows = self.find(told["account"])
        new = np.flatnonzero(rows < 0)
        if new.size:
            rows[new] = self.rows.size + np.arange(new.size)
            more = np.zeros(new.size, MEMBER)
            more["fp"] = told["account"][new]
            more["first"] = told["first"][new]
            more["created"] = -1
            more["hour"] = hour
            self.rows = np.concatenate((self.rows, more))
            self._order = np.argsort(self.rows["fp"], kind="stable")
        mine = self.rows[rows]
        left = np.float32(0.5) ** (
            (hour - mine["hour"]).astype(np.float32) / np.float32(HALF_LIFE_HOURS)
        )
        for name in _SUMS:
            mine[name] = mine[name] * left + told[name].astype(np.float32)
        mine["capability"] = mine["capability"] * left[:, None] + told["capability"]
        mine["hours"] *= left[:, None]
        mine["hours"][:, hour % HOURS] += told["requests"]
        mine["hour"] = hour
        mine["org"] = np.where(told["org"] != 0, told["org"], mine["org"])
        mine["created"] = told["created"]
        mine["first"] = np.minimum(mine["first"], told["first"])
        mine["cohort"] = told["cohort"]
        self.rows[rows] = mine

    def faded(self, hour: int) -> NDArray[np.float32]:
        """What is left of each member's sums at an hour: factors, float32 (n)."""
        silent = (hour - self.rows["hour"]).astype(np.float32)
        return np.exp2(-silent / np.float32(HALF_LIFE_HOURS)).astype(np.float32)

    def compact(self, hour: int) -> NDArray[np.int64] | None:
        """Forget the silent, and who is too many; gives each row's new number (-1: gone), None: none went."""
        keep = hour - self.rows["hour"] <= SILENT_HOURS
        excess = int(np.count_nonzero(keep)) - self.capacity
        if excess > 0:
            # Newcomers go before those who were there: what a flood brought is evicted first.
            order = np.lexsort((self.rows["fp"], -self.rows["first"]))
            gone = order[keep[order]][: excess + self.capacity // 10]
            keep[gone] = False
            self.evicted += gone.size
        if keep.all():
            return None
        return self._keep(keep)

    def erase(self, accounts: NDArray[np.uint64]) -> NDArray[np.int64] | None:
        """Forget accounts (uint64); gives each row's new number (-1: gone), None: nobody was here."""
        rows = self.find(accounts)
        rows = rows[rows >= 0]
        if not rows.size:
            return None
        keep = np.ones(self.rows.size, np.bool_)
        keep[rows] = False
        return self._keep(keep)

    def restore(self, rows: NDArray[np.uint8]) -> None:
        """Go on from kept rows, as bytes."""
        self.rows = rows.view(MEMBER).copy()
        self._order = np.argsort(self.rows["fp"], kind="stable")

    def _keep(self, keep: NDArray[np.bool_]) -> NDArray[np.int64]:
        numbers = np.where(keep, np.cumsum(keep) - 1, -1)
        self.rows = self.rows[keep]
        self._order = np.argsort(self.rows["fp"], kind="stable")
        return numbers


def _entropy(counts: NDArray[Any]) -> NDArray[np.float32]:
    """Of each row of counts, in nats; 0 where there is nothing."""
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.ones_like(counts), where=counts > 0)
    found: NDArray[np.float32] = -(share * np.log(share)).sum(axis=1)
    return found


def _features(rows: NDArray[Any], hour: int) -> Mapping[str, NDArray[Any]]:
    """What a member is like, by name: float (n) each. `rows` are MEMBER."""
    requests = np.maximum(rows["requests"], np.float32(1e-3))
    now = (hour + 1) * HOUR_MS
    dated = rows["created"] >= 0
    shares = {f"{name}_share": rows[name] / requests for name in (*MANNERS, "unworded")}
    scored = np.maximum(rows["scored"], np.float32(1e-3))
    known = rows["scored"] > 0
    return {
        "volume": np.log1p(rows["requests"]),
        "output_length": np.log2(1 + rows["output"] / requests),
        "input_length": np.log2(1 + rows["input"] / requests),
        "pace": np.log2(requests / np.maximum(rows["minutes"], np.float32(1e-3))),
        "cot_score": np.where(known, rows["cot"] / scored, np.nan),
        "grading_score": np.where(known, rows["grading"] / scored, np.nan),
        "capability_entropy": _entropy(rows["capability"]),
        "hours_entropy": _entropy(rows["hours"]),
        "age": np.where(dated, np.log1p(np.maximum(now - rows["created"], 0) / DAY_MS), np.nan),
        "age_at_first": np.where(
            dated, np.log1p(np.maximum(rows["first"] - rows["created"], 0) / DAY_MS), np.nan
        ),
        **shares,
    }


def standardised(rows: NDArray[Any], active: NDArray[np.bool_], hour: int) -> NDArray[np.float32]:
    """Members' features against the stream's own population: float32 (n, features).

    Each less the mean of the active members (bool, n), in their standard deviations, within 5; 0 where it is
    not known. So a group is compared with who is here, never with a world that weights were fitted on.
    """
    found = np.zeros((rows.size, len(OF_MEMBER)), np.float32)
    if not active.any():
        return found
    known = _features(rows, hour)
    for place, name in enumerate(OF_MEMBER):
        column = known[name]
        told = column[active]
        told = told[~np.isnan(told)]
        if told.size < 2:
            continue
        spread = max(float(told.std()), 1e-3)
        found[:, place] = np.nan_to_num(np.clip((column - told.mean()) / spread, -5, 5))
    return found
