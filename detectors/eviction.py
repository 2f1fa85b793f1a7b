"""Who leaves an account table that is full or has waited long enough, in a fixed order.

Expired first. Then accounts without a second active day, oldest last, so that an adversary who
sprays fresh accounts displaces the spray and not customers with a past; then the rest by last
activity. An account with an open minute or hour stays.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors import account_state as st
from detectors.account_state import AccountState
from detectors.ingest import index_account
from detectors.merge import clear


def expired(state: AccountState, before_ms: int) -> np.ndarray:
    """Rows whose last event lies before a time, and which hold nothing open."""
    rows = _idle(state)
    return rows[state.accounts["last"][rows] < before_ms]


def least_wanted(state: AccountState, count: int) -> np.ndarray:
    """The `count` rows to give up first; fewer where fewer are idle."""
    rows = _idle(state)
    accounts = state.accounts
    order = np.lexsort((accounts["fp"][rows], accounts["last"][rows], accounts["days"][rows] > 1))
    return np.sort(rows[order[:count]])


def evict(state: AccountState, rows: np.ndarray) -> AccountState:
    """Forget the accounts in `rows` (ascending) and pack the id arena."""
    _forget(state, rows.astype(np.int64))
    ids = np.zeros_like(state.ids)
    state.slots[:] = 0
    _pack(state, ids)
    return state._replace(ids=ids)


def _idle(state: AccountState) -> np.ndarray:
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    return np.flatnonzero(
        (accounts["used"] == 1) & (accounts["open_minutes"] == 0) & (accounts["hour_row"] < 0)
    )


@nb.njit(cache=True)
def _forget(state: AccountState, rows: np.ndarray) -> None:
    for row in rows:
        account = state.accounts[row]
        account.used = 0
        account.fp = 0
        account.org = 0
        account.closed_last = 0
        account.requests = 0
        account.input = 0
        account.output = 0
        account.cost = 0
        account.mean = 0
        account.variance = 0
        account.days = 0
        account.late = 0
        account.last_hour = 0
        account.period = 0
        for i in range(9):
            account.keys[i] = 0
        for i in range(24):
            account.ring[i] = 0
            account.hour_profile[i] = 0
        for i in range(7):
            account.weekday_profile[i] = 0
        clear(state.days, row)
        state.free[state.scalars[st.ACCOUNT_FREE]] = row
        state.scalars[st.ACCOUNT_FREE] += 1


@nb.njit(cache=True)
def _pack(state: AccountState, ids: np.ndarray) -> None:
    end = 0
    for row in range(state.scalars[st.ACCOUNTS]):
        account = state.accounts[row]
        if account.used == 0:
            continue
        for i in range(account.id_len):
            ids[end + i] = state.ids[account.id_at + i]
        account.id_at = end
        end += account.id_len
        index_account(state, account.fp, row)
    state.scalars[st.ID_END] = end
