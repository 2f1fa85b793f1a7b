"""The open minutes of accounts: finding or making one's row, and counting an event in it."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.habits import note_style
from detectors.accounts.models import add_to_model, find_model
from detectors.accounts.state import AccountState
from detectors.accounts.windows import draw
from detectors.interface.columns import (
    TEMPLATE_GROUPS,
    Row,
)
from detectors.interface.key_kinds import ACCOUNT_KINDS, DEVICE, PAYMENT
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.counts import count_capped
from detectors.kernels.hashing import combine
from detectors.kernels.pool import NONE_LEFT, take_row

# No request has two billion tokens or costs 2,147 dollars: with at most 2^32 requests a window,
# whatever a producer writes, sums stay below 2^63.
MOST_COUNTED = 2**31 - 1


# The keys of requests that an account makes beyond twice its share of rows: none.
REST = np.uint64(1)
_HARD = np.uint64(0x9E6C63D0676A9A99)  # tells keys of card and device alone from all others


@inlined
def most_minutes(state: AccountState) -> int:
    """How many rows an account may hold before its requests are no longer counted apart by all keys."""
    return max(state.minutes.size >> 10, 8)


@inlined
def bucket_of(state: AccountState, row: int, tick: int, keyset: np.uint64) -> np.uint64:
    """The hash bucket of (account, tick, keys)."""
    mixed = combine(np.uint64(row) * np.uint64(0x100000000) + np.uint64(tick), keyset)
    return mixed & np.uint64(state.minute_heads.size - 1)


@kernel
def _known_minute(state: AccountState, row: int, tick: int, keyset: np.uint64) -> int:
    at = state.minute_heads[bucket_of(state, row, tick, keyset)]
    while at >= 0:
        minute = state.minutes[at]
        if minute.account == row and minute.tick == tick and minute.keyset == keyset:
            return at
        at = minute.chain
    return -1


@kernel
def link_minute(state: AccountState, at: int) -> None:
    """Put a minute into its hash bucket."""
    minute = state.minutes[at]
    bucket = bucket_of(state, minute.account, minute.tick, minute.keyset)
    minute.chain = state.minute_heads[bucket]
    state.minute_heads[bucket] = at


@kernel
def find_minute(
    state: AccountState, row: int, tick: int, keyset: np.uint64, keys: np.ndarray
) -> int:
    """The open row of (account, tick, keys), made where there is none; -1 where none is free.

    `keys` is uint64, one place a kind. Beyond the account's share it is a row of card and device
    alone, beyond twice that of no key: `keyset` of the row is another then.
    """
    at = _known_minute(state, row, tick, keyset)
    if at >= 0:
        return at
    share = most_minutes(state)
    held = state.accounts[row].open_minutes
    hard = held < 2 * share
    if held >= share:
        keyset = REST
        if hard:
            keyset = combine(_HARD ^ keys[PAYMENT], keys[DEVICE])
        at = _known_minute(state, row, tick, keyset)
        if at >= 0:
            return at
    at = take_row(state.minute_free, state.scalars, st.MINUTE_TOP, st.MINUTE_FREE)
    if at == NONE_LEFT:
        return -1
    minute = state.minutes[at]
    minute.account = row
    minute.tick = tick
    minute.keyset = keyset
    for kind in range(ACCOUNT_KINDS):
        if held < share or (hard and kind in (PAYMENT, DEVICE)):
            minute.keys[kind] = keys[kind]
    link_minute(state, at)
    slot = tick & (state.ticks.size - 1)
    minute.sibling = state.ticks[slot]
    state.ticks[slot] = at
    state.accounts[row].open_minutes += 1
    return at


@inlined
def counted(amount: int) -> int:
    """An event's tokens or cost, as sums take them: 0 where not known (-1), and bounded."""
    return min(max(amount, 0), MOST_COUNTED)


@inlined
def usage_of(event: Row) -> tuple[int, int]:
    """An event's tokens in and out, as sums take them; none at all where one of both is not known.

    Half of a usage would make the ratio of both lie.
    """
    if event.input_tokens < 0 or event.output_tokens < 0:
        return 0, 0
    return counted(event.input_tokens), counted(event.output_tokens)


@kernel
def add_to_minute(
    state: AccountState, event: Row, at: int, buffer: np.ndarray, identity: np.uint64
) -> None:
    """Count one event in its minute, and in its model's day.

    `buffer` (uint8) holds the event's strings; `identity` tells it from all others.
    """
    minute = state.minutes[at]
    minute.requests += 1
    note_style(state.styles[at], event)
    given, taken = usage_of(event)
    if event.input_tokens < 0 or event.output_tokens < 0:
        state.counters[st.NO_USAGE] += 1
    minute.input += given
    minute.output += taken
    minute.cost += counted(event.cost_micro)
    if event.has_template:
        count_capped(minute.templates, np.int64(event.template & np.uint64(TEMPLATE_GROUPS - 1)))
    count_capped(minute.capability, np.int64(event.capability))
    place = find_model(state, event, buffer)
    if place >= 0:
        add_to_model(state, event, place, given, taken)
        draw(minute, np.uint32(identity >> np.uint64(32)), event.model)  # lots nobody can choose
