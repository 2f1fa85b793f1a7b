"""Who leaves an account table that is full or has waited long enough, in a fixed order.

Newcomers (no second active day yet) go first, the longest silent before the others, so that an
adversary who sprays fresh accounts displaces the spray and not customers with a past. Those with a
past go only while newcomers hold less than a quarter of the table; beyond that it is the newcomers
who are refused. An account with an open minute, or whose name waits to be told, stays.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.habits import NO_HABIT, drop_values
from detectors.accounts.layout import NO_ACCOUNT, NO_WINDOW
from detectors.accounts.rows import index_account
from detectors.accounts.state import AccountState
from detectors.accounts.wordings import forget_wordings
from detectors.kernels.arena import pack
from detectors.kernels.compiled import kernel
from detectors.kernels.pool import give_row

SLICE = 16  # a full table gives up one account in so many at once
NEWCOMERS_SHARE = 4  # newcomers displace others until they hold one row in so many


def expired(state: AccountState, before_ms: int) -> np.ndarray:
    """Rows whose last event lies before a time, and which hold nothing open. As int64, ascending."""
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    silent = (accounts["used"] != 0) & (accounts["last"] < before_ms)
    if not silent.any():
        return np.zeros(0, np.int64)
    return np.flatnonzero(silent & _idle(state) & (accounts["hour_row"] < 0))


def least_wanted(state: AccountState, count: int) -> np.ndarray:
    """The `count` rows to give up first; fewer where fewer may go. As int64, ascending."""
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    idle = _idle(state)
    past = accounts["days"] > 1
    newcomers = np.flatnonzero(idle & ~past)
    gone = _longest_silent(accounts, newcomers)[:count]
    if gone.size < count:
        held = int(np.count_nonzero((accounts["used"] != 0) & ~past)) - gone.size
        allowed = max(accounts.size // NEWCOMERS_SHARE - held, 0)
        others = np.flatnonzero(idle & past & (accounts["hour_row"] < 0))
        others = _longest_silent(accounts, others)[: min(allowed, count - gone.size)]
        gone = np.concatenate((gone, others))
    return np.sort(gone)


def evict(state: AccountState, rows: np.ndarray) -> AccountState:
    """Forget the accounts in `rows` (ascending) and pack the id arena. `rows` are int64."""
    mine = np.zeros(state.accounts.size, np.bool_)
    mine[rows] = True
    drop_values(state, mine)
    _forget(state, rows.astype(np.int64))
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    ids = np.zeros_like(state.ids)
    end = pack(accounts["id_at"], accounts["id_len"], state.ids, ids, 0)
    state.scalars[st.ID_END] = end
    _index(state)
    return state._replace(ids=ids)


def _idle(state: AccountState) -> np.ndarray:
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    idle: np.ndarray = (accounts["used"] != 0) & (accounts["open_minutes"] == 0)
    idle[state.newcomers["account"][: state.scalars[st.NEWCOMERS]]] = False
    return idle


def _longest_silent(accounts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort((accounts["fp"][rows], accounts["last"][rows]))]


@kernel
def _forget(state: AccountState, rows: np.ndarray) -> None:
    scalars = state.scalars
    for row in rows:
        account = state.accounts[row]
        if account.hour_row >= 0:
            state.hours[account.hour_row] = NO_WINDOW[0]
            give_row(state.hour_free, scalars, st.HOUR_FREE, account.hour_row)
        state.accounts[row] = NO_ACCOUNT[0]
        state.days[row] = NO_WINDOW[0]
        forget_wordings(state, row)
        state.habits[row] = NO_HABIT[0]
        give_row(state.free, scalars, st.ACCOUNT_FREE, row)


@kernel
def _index(state: AccountState) -> None:
    state.slots[:] = 0
    for row in range(state.scalars[st.ACCOUNTS]):
        if state.accounts[row].used != 0:
            index_account(state, state.accounts[row].fp, row)
