"""What happens to open minutes when an account, or all of them, would take too many rows.

An account counts its minute once per combination of values, so who changes a value with each request
could take the whole table. Beyond its share an account's requests are counted apart by card and device
alone, beyond twice its share by nothing: its own sums stay exact, those of its values do not.

When the table is full all the same, the rows of an account's minute become one: newcomers (no second
active day yet) first, the loudest before the others. When that is not enough, accounts with a past
take the rows of newcomers, the newest and loudest first; newcomers are refused until a tick closes.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_minute import unchain, unlink_minute
from detectors.accounts.habits import merge_style
from detectors.accounts.minutes import REST, link_minute
from detectors.accounts.state import AccountState
from detectors.accounts.windows import merge
from detectors.interface.clock import MINUTE_MS
from detectors.interface.columns import Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel

SLICE = 16  # a full table frees one row in so many at once, or is as it is until a tick closes


@inlined
def room_may_come(state: AccountState, account: Row, closed: int) -> bool:
    """Whether a row may yet be freed for an account before the next tick closes."""
    scalars = state.scalars
    return scalars[st.FOLDED] != closed or (account.days > 1 and scalars[st.CROWDED] != closed)


def free_minutes(state: AccountState) -> None:
    """Free minute rows: those that can be had without loss first, then newcomers'."""
    scalars = state.scalars
    wanted = max(1, state.minutes.size // SLICE)
    closed = scalars[st.CLOSED]
    if scalars[st.FOLDED] != closed:
        if (
            _fold(state, _loudest(state, wanted), np.full(state.accounts.size, -1, np.int32))
            < wanted
        ):
            scalars[st.FOLDED] = closed
    elif drop_minutes(state, _newest(state, wanted), st.MINUTES_EVICTED) < wanted:
        scalars[st.CROWDED] = closed


def _loudest(state: AccountState, wanted: int) -> np.ndarray:
    """Whose minutes are to become one row each, as flags (bool, one an account)."""
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    held = accounts["open_minutes"].astype(np.int64)
    # A row for each open tick stays.
    ticks = state.scalars[st.MAX_TIME] // MINUTE_MS - state.scalars[st.CLOSED]
    rows = np.flatnonzero((accounts["used"] != 0) & (held > 1))
    order = np.lexsort(
        (accounts["fp"][rows], -accounts["first"][rows], -held[rows], accounts["days"][rows] > 1)
    )
    return _until(state, rows[order], np.maximum(held - ticks, 0), wanted)


def _newest(state: AccountState, wanted: int) -> np.ndarray:
    """Which newcomers give their rows up, as flags (bool, one an account)."""
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    held = accounts["open_minutes"].astype(np.int64)
    rows = np.flatnonzero((accounts["used"] != 0) & (held > 0) & (accounts["days"] <= 1))
    order = np.lexsort((accounts["fp"][rows], -held[rows], -accounts["first"][rows]))
    return _until(state, rows[order], held, wanted)


def _until(state: AccountState, rows: np.ndarray, gains: np.ndarray, wanted: int) -> np.ndarray:
    """Flags of the first rows whose gains come to what is wanted."""
    count = int(np.searchsorted(np.cumsum(gains[rows]), wanted)) + 1
    chosen = np.zeros(state.accounts.size, np.bool_)
    chosen[rows[:count]] = True
    return chosen


@kernel
def _fold(state: AccountState, chosen: np.ndarray, first: np.ndarray) -> int:
    """Make one row of each minute of the chosen accounts; gives how many rows that freed.

    `chosen` is bool, `first` int32 and all -1, one place an account.
    """
    freed = 0
    for slot in range(state.ticks.size):
        before = -1
        at = state.ticks[slot]
        while at >= 0:
            minute = state.minutes[at]
            following = minute.sibling
            account = minute.account
            if not chosen[account] or first[account] < 0:
                if chosen[account]:
                    first[account] = at
                before = at
                at = following
                continue
            into = first[account]
            if state.minutes[into].keyset != REST:
                _forget_keys(state, into)
            merge(state.minutes[into], minute)
            merge_style(state.styles[into], state.styles[at])
            state.minutes[before].sibling = following
            unchain(state, at)
            state.accounts[account].open_minutes -= 1
            freed += 1
            at = following
        at = state.ticks[slot]
        while at >= 0:
            first[state.minutes[at].account] = -1
            at = state.minutes[at].sibling
    return freed


@kernel
def _forget_keys(state: AccountState, at: int) -> None:
    """Make a minute its account's rest of that tick."""
    unlink_minute(state, at)
    minute = state.minutes[at]
    minute.keyset = REST
    for kind in range(ACCOUNT_KINDS):
        minute.keys[kind] = np.uint64(0)
    link_minute(state, at)


@kernel
def drop_minutes(state: AccountState, chosen: np.ndarray, counted_in: int) -> int:
    """Take the open minutes of the chosen accounts (bool, one an account) out; gives how many.

    Their requests are counted at the place `counted_in` of the counters, unless that is negative.
    """
    dropped = 0
    for slot in range(state.ticks.size):
        before = -1
        at = state.ticks[slot]
        while at >= 0:
            minute = state.minutes[at]
            following = minute.sibling
            if not chosen[minute.account]:
                before = at
                at = following
                continue
            if before < 0:
                state.ticks[slot] = following
            else:
                state.minutes[before].sibling = following
            if counted_in >= 0:
                state.counters[counted_in] += minute.requests
            state.accounts[minute.account].open_minutes -= 1
            unchain(state, at)
            dropped += 1
            at = following
    return dropped
