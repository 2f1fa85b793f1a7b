"""The open minutes of accounts: finding or making one's row, and counting an event in it."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.models import add_to_model, find_model
from detectors.accounts.state import AccountState
from detectors.interface.clock import MINUTE_MS, NO_TIME, SECOND_MS
from detectors.interface.columns import (
    ASNS,
    CAPABILITY_SLOTS,
    DEVICES,
    LANGUAGE_SLOTS,
    MODEL_SLOTS,
    PREFIXES,
    PROMPTS,
    SESSIONS,
    TEMPLATE_GROUPS,
    TEMPLATES,
    Row,
)
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.distinct_counts import set_double, set_single
from detectors.kernels.hashing import combine, mix
from detectors.kernels.pool import NONE_LEFT, take_row

# No request has two billion tokens or costs 2,147 dollars: with at most 2^32 requests a window,
# whatever a producer writes, sums stay below 2^63.
MOST_COUNTED = 2**31 - 1


@kernel
def find_minute(
    state: AccountState, row: int, tick: int, keyset: np.uint64, keys: np.ndarray
) -> int:
    """The open row of (account, tick, keys), made where there is none; -1 where none is free."""
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
    minute.first = np.int64(-NO_TIME)
    minute.last = np.int64(NO_TIME)
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
    """Count one event in its minute, and in its model's day."""
    minute = state.minutes[at]
    minute.requests += 1
    given, taken = counted(event.input_tokens), counted(event.output_tokens)
    minute.input += given
    minute.output += taken
    minute.reasoning += counted(event.reasoning_tokens)
    minute.cost += counted(event.cost_micro)
    minute.first = min(minute.first, event.event_time)
    minute.last = max(minute.last, event.event_time)
    if event.status >= 400:
        minute.errors += 1
        if event.status == 429:
            minute.throttled += 1
    words = minute.distinct
    set_single(words, PREFIXES, event.prefix)
    if event.asn >= 0:
        set_single(words, ASNS, np.uint64(event.asn + 1))
    set_single(words, DEVICES, event.device)
    set_double(words, SESSIONS, event.session)
    if event.has_template:
        set_double(words, TEMPLATES, event.template | np.uint64(1))
        group = event.template & np.uint64(TEMPLATE_GROUPS - 1)
        if minute.templates[group] < 65535:
            minute.templates[group] += 1
    set_double(words, PROMPTS, event.prompt)
    if event.capability < CAPABILITY_SLOTS and minute.capability[event.capability] < 65535:
        minute.capability[event.capability] += 1
    place = find_model(state, event, buffer)
    if place >= 0:
        add_to_model(state, event, place, given, taken)
    slot = place if 0 <= place < MODEL_SLOTS - 1 else MODEL_SLOTS - 1
    if minute.model[slot] < 65535:
        minute.model[slot] += 1
    if event.lang != np.uint64(0):
        slot = np.int64(mix(event.lang) & np.uint64(LANGUAGE_SLOTS - 1))
        if minute.language[slot] < 65535:
            minute.language[slot] += 1
    second = (event.event_time % MINUTE_MS) // SECOND_MS
    minute.seconds |= np.uint64(1) << np.uint64(second)
