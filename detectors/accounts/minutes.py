"""The open minutes of accounts: finding or making one's row, and counting an event in it."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.models import add_to_model, find_model
from detectors.accounts.state import AccountState
from detectors.accounts.windows import draw
from detectors.interface.columns import (
    TEMPLATE_GROUPS,
    Row,
)
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.counts import count_capped
from detectors.kernels.hashing import combine
from detectors.kernels.pool import NONE_LEFT, take_row

# No request has two billion tokens or costs 2,147 dollars: with at most 2^32 requests a window,
# whatever a producer writes, sums stay below 2^63.
MOST_COUNTED = 2**31 - 1


@kernel
def find_minute(
    state: AccountState, row: int, tick: int, keyset: np.uint64, keys: np.ndarray
) -> int:
    """The open row of (account, tick, keys), made where there is none; -1 where none is free.

    `keys` is uint64, one place a kind.
    """
    heads = state.minute_heads
    bucket = combine(np.uint64(row) * np.uint64(0x100000000) + np.uint64(tick), keyset) & np.uint64(
        heads.size - 1
    )
    at = heads[bucket]
    while at >= 0:
        minute = state.minutes[at]
        if minute.account == row and minute.tick == tick and minute.keyset == keyset:
            return at
        at = minute.chain
    at = take_row(state.minute_free, state.scalars, st.MINUTE_TOP, st.MINUTE_FREE)
    if at == NONE_LEFT:
        return -1
    minute = state.minutes[at]
    minute.account = row
    minute.tick = tick
    minute.keyset = keyset
    for kind in range(ACCOUNT_KINDS):
        minute.keys[kind] = keys[kind]
    minute.chain = heads[bucket]
    heads[bucket] = at
    slot = tick & (state.ticks.size - 1)
    minute.sibling = state.ticks[slot]
    state.ticks[slot] = at
    state.accounts[row].open_minutes += 1
    return at


@inlined
def counted(amount: int) -> int:
    """An event's tokens or cost, as sums take them: 0 where not known (-1), and bounded."""
    return min(max(amount, 0), MOST_COUNTED)


@kernel
def add_to_minute(state: AccountState, event: Row, at: int, buffer: np.ndarray) -> None:
    """Count one event in its minute, and in its model's day. `buffer` (uint8) holds the event's strings."""
    minute = state.minutes[at]
    minute.requests += 1
    given, taken = counted(event.input_tokens), counted(event.output_tokens)
    minute.input += given
    minute.output += taken
    minute.cost += counted(event.cost_micro)
    if event.has_template:
        count_capped(minute.templates, np.int64(event.template & np.uint64(TEMPLATE_GROUPS - 1)))
    count_capped(minute.capability, np.int64(event.capability))
    place = find_model(state, event, buffer)
    if place >= 0:
        add_to_model(state, event, place, given, taken)
        draw(minute, np.uint32(event.event >> np.uint64(32)), event.model)  # lots nobody can choose
