"""Erases one account from an account partition: its row, its open windows, and what waits to be told.

Not erased is what no longer says whose it was: sums of closed ticks, fingerprints in the tables of
event ids and sightings, which expire.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.crowding import drop_minutes
from detectors.accounts.eviction import evict
from detectors.accounts.rows import find_account
from detectors.accounts.state import AccountState


def erase_account(state: AccountState, fp: int) -> AccountState:
    """The state without the account of this fingerprint; as it is where there is none."""
    row = int(find_account(state, np.uint64(fp)))
    if row < 0:
        return state
    _drop(state.edges, st.EDGES, "account", np.uint64(fp), state.scalars)
    _drop(state.prompts, st.PROMPTS_PENDING, "account", row, state.scalars)
    _drop(state.newcomers, st.NEWCOMERS, "account", row, state.scalars)
    mine = np.zeros(state.accounts.size, np.bool_)
    mine[row] = True
    drop_minutes(state, mine, -1)
    gone = state.accounts[row]
    state.ids[gone["id_at"] : gone["id_at"] + gone["id_len"]] = 0
    return evict(state, np.array([row]))


def _drop(
    rows: np.ndarray, used: int, column: str, value: int | np.uint64, scalars: np.ndarray
) -> None:
    """Take the rows with a value out of a table of pending ones, the others in their order."""
    count = int(scalars[used])
    left = rows[:count][rows[column][:count] != value]
    rows[: left.size] = left
    rows[left.size : count] = np.zeros(1, rows.dtype)
    scalars[used] = left.size
