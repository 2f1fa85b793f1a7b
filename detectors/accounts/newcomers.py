"""The accounts first seen in a tick, taken out of those that wait, with what they are called."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.rows import dates_hold
from detectors.accounts.state import AccountState
from detectors.exchange.names import NameBatch


def newcomers(state: AccountState, source: int, tick: int) -> NameBatch:
    """Take the accounts first seen in a tick out of the pending ones, with what they are called."""
    scalars = state.scalars
    pending = state.newcomers[: scalars[st.NEWCOMERS]]
    mine = pending["tick"] == tick
    due, rest = pending[mine], pending[~mine]
    accounts = state.accounts[due["account"]]
    batch = NameBatch.gather(
        source,
        tick,
        accounts["fp"],
        accounts["org"],
        accounts["first"],
        np.maximum(accounts["created"], -1) if dates_hold(scalars) else np.full(due.size, -1),
        accounts["id_at"],
        accounts["id_len"],
        state.ids,
        due["org_at"],
        due["org_len"],
        state.names,
    )
    state.newcomers[: rest.size] = rest
    scalars[st.NEWCOMERS] = rest.size
    if rest.size == 0 and scalars[st.EDGES] == 0:
        scalars[st.NAME_END] = 0
    return batch
