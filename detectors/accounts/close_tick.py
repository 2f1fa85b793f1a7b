"""A tick closes, in one call: its minutes into hours, and its sums, edges and templates cut by target."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_minute import KeySums, close_minute
from detectors.accounts.outbox import (
    TABLES,
    Outbox,
    open_table,
    pack_edges,
    pack_sums,
    pack_templates,
)
from detectors.accounts.state import AccountState
from detectors.accounts.templates import drop_prompts, prompts_of, rows_per_band
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import kernel
from detectors.kernels.sorting import sort_pairs

NO_ROOM = -1


@kernel
def rows_of_tick(state: AccountState, tick: int, outbox: Outbox) -> int:
    """Put the minutes of a tick into `outbox.order`, by account and keys; NO_ROOM where it is short."""
    at = state.ticks[tick & (state.ticks.size - 1)]
    count = 0
    while at >= 0:
        if count == outbox.order.size:
            return NO_ROOM
        outbox.keys[count] = state.minutes[at].keyset
        outbox.order[count] = at
        count += 1
        at = state.minutes[at].sibling
    sort_pairs(outbox.keys, outbox.order, count, outbox.spare_keys, outbox.spare)
    for i in range(count):
        outbox.keys[i] = np.uint64(state.minutes[outbox.order[i]].account)
    sort_pairs(outbox.keys, outbox.order, count, outbox.spare_keys, outbox.spare)
    return count


@kernel
def count_rows(state: AccountState, tick: int) -> int:
    """How many minutes a tick holds."""
    at = state.ticks[tick & (state.ticks.size - 1)]
    count = 0
    while at >= 0:
        count += 1
        at = state.minutes[at].sibling
    return count


@kernel
def newcomers_of(state: AccountState, tick: int) -> int:
    """How many accounts were first seen in a tick."""
    count = 0
    for i in range(state.scalars[st.NEWCOMERS]):
        count += state.newcomers[i].tick == tick
    return count


@kernel
def close_tick(
    state: AccountState, tick: int, scratch: KeySums, outbox: Outbox, new_account_ms: int
) -> tuple[int, int, int]:
    """Close a tick's minutes, fill `outbox`: (minutes closed, accounts first seen, rows to send).

    NO_ROOM for the first, before anything has happened, where scratch or outbox is too small; the
    second is then how many minutes the tick holds.
    """
    scalars = state.scalars
    if scalars[st.EDGES] > outbox.edges.size or scalars[st.NAME_END] > outbox.names.size:
        return NO_ROOM, count_rows(state, tick), 0
    if scalars[st.PROMPTS_PENDING] > min(outbox.bands.size // 4, outbox.order.size):
        return NO_ROOM, count_rows(state, tick), 0
    count = rows_of_tick(state, tick, outbox)
    if count == NO_ROOM or count * ACCOUNT_KINDS > min(scratch.sums.size, outbox.sums.size):
        return NO_ROOM, count_rows(state, tick), 0
    for table in range(TABLES):
        open_table(outbox, table)
    if count > 0:
        used = close_minute(state, tick, outbox.order, count, scratch)
        pack_sums(outbox, scratch.sums, used)
        size = prompts_of(state, tick, outbox.keys, outbox.order, outbox.spare_keys, outbox.spare)
        if size > 0:
            rows = rows_per_band(
                state,
                outbox.keys,
                outbox.order,
                size,
                new_account_ms,
                outbox.cursors.shape[1],
                outbox.bands,
                outbox.targets,
            )
            pack_templates(outbox, rows)
            drop_prompts(state, tick)
            scalars[st.PROMPTS_FULL] = 0
    if scalars[st.EDGES] > 0:
        pack_edges(state, outbox, tick)
        scalars[st.EDGES_FULL] = 0
    sent = 0
    for table in range(TABLES):
        sent += outbox.starts[table, outbox.cursors.shape[1]]
    return count, newcomers_of(state, tick), sent
