"""Room for what waits until its tick closes: pending edges, names, newcomers and prompts.

Each buffer doubles up to its budget. Beyond that edges and prompts are counted and left out until
a tick closes; newcomers are bounded by the account table itself, other names of known accounts by
a number.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.rows import LONGEST_NAME
from detectors.accounts.state import (
    NAME_BYTES_PER_EDGE,
    PENDING_PER_MINUTE_ROW,
    AccountState,
)
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.arena import pack
from detectors.kernels.pool import power_of_two

GROWTH_EDGES, GROWTH_NAMES = ACCOUNT_KINDS, (ACCOUNT_KINDS + 1) * LONGEST_NAME  # of one event

LEAST_ROWS = 1 << 14


def make_room(state: AccountState) -> AccountState:
    """Pack the names, then double whichever buffer is still more than half full."""
    pack_names(state)
    s = state.scalars
    most = state.minutes.size * PENDING_PER_MINUTE_ROW
    if (s[st.EDGES] + GROWTH_EDGES) * 2 > state.edges.size:
        state = state._replace(edges=_doubled(state.edges, most))
        s[st.EDGES_FULL] = s[st.EDGES] > state.edges.size - GROWTH_EDGES
    if (s[st.NAME_END] + GROWTH_NAMES) * 2 > state.names.size:
        state = state._replace(names=_doubled(state.names, most * NAME_BYTES_PER_EDGE))
        s[st.EDGES_FULL] |= s[st.NAME_END] > state.names.size - GROWTH_NAMES
    if s[st.NEWCOMERS] * 2 >= state.newcomers.size:
        state = state._replace(newcomers=_doubled(state.newcomers, 4 * state.accounts.size + 2))
    if s[st.PROMPTS_PENDING] * 2 >= state.prompts.size:
        state = state._replace(prompts=_doubled(state.prompts, most))
        s[st.PROMPTS_FULL] = s[st.PROMPTS_PENDING] >= state.prompts.size
    return state


def give_back(state: AccountState) -> AccountState:
    """Shrink the buffers that are less than an eighth full: a start or a flood has passed."""
    pack_names(state)
    for name, used in (
        ("edges", st.EDGES),
        ("names", st.NAME_END),
        ("newcomers", st.NEWCOMERS),
        ("prompts", st.PROMPTS_PENDING),
    ):
        rows = getattr(state, name)
        if rows.size > LEAST_ROWS and state.scalars[used] * 8 < rows.size:
            wanted = power_of_two(max(LEAST_ROWS, int(state.scalars[used]) * 2))
            state = state._replace(**{name: rows[:wanted].copy()})
    return state


def pack_names(state: AccountState) -> None:
    """Drop the names that no pending edge or newcomer points to."""
    scalars = state.scalars
    edges = state.edges[: scalars[st.EDGES]]
    newcomers = state.newcomers[: scalars[st.NEWCOMERS]]
    names = np.zeros(scalars[st.NAME_END], np.uint8)
    end = pack(edges["name_at"], edges["name_len"], state.names, names, 0)
    end = pack(newcomers["org_at"], newcomers["org_len"], state.names, names, end)
    state.names[:end] = names[:end]
    scalars[st.NAME_END] = end


def _doubled(rows: np.ndarray, most: int) -> np.ndarray:
    if rows.size * 2 > most:
        return rows
    grown = np.zeros(rows.size * 2, rows.dtype)
    grown[: rows.size] = rows
    return grown
