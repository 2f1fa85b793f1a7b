"""The hot loop: one event into the open minute of its account. Only adds, min, max and bit-or.

The kernel stops where something that depends on order must happen first (a tick closes, a table
is full, an output buffer must grow) and says why, so that every such act falls at an exact place
in the partition's order of records, however the records were batched.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors import account_state as st
from detectors import layout
from detectors.account_state import AccountState
from detectors.kinds import ASN, COHORT, DEVICE, ORG, PAYMENT, PREFIX, REFERRAL, SYSTEM, TLS
from detectors.recency import NEW_BY_EVICTION, SEEN, combine, mix, see
from detectors.sketches import set_double, set_single

DONE, TICK_PASSED, ACCOUNTS_FULL, MINUTES_FULL, BUFFERS_FULL = range(5)
KINDS = 9
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


@nb.njit(cache=True)
def find_account(state: AccountState, fp: np.uint64) -> int:
    """Row of an account, or -1."""
    mask = np.uint64(state.slots.size - 1)
    at = mix(fp) & mask
    while True:
        row = state.slots[at] - 1
        if row < 0:
            return -1
        if state.accounts[row].fp == fp:
            return row
        at = (at + np.uint64(1)) & mask


@nb.njit(cache=True)
def index_account(state: AccountState, fp: np.uint64, row: int) -> None:
    """Make a row findable."""
    mask = np.uint64(state.slots.size - 1)
    at = mix(fp) & mask
    while state.slots[at] != 0:
        at = (at + np.uint64(1)) & mask
    state.slots[at] = row + 1


@nb.njit(cache=True)
def admit_account(state: AccountState, event, buffer: np.ndarray, tick: int) -> int:
    """A row for an account never seen; -1 where the table or the id arena is full."""
    scalars = state.scalars
    if scalars[st.ID_END] + event.account_len > state.ids.size:
        return -1
    if scalars[st.ACCOUNT_FREE] > 0:
        scalars[st.ACCOUNT_FREE] -= 1
        row = state.free[scalars[st.ACCOUNT_FREE]]
    elif scalars[st.ACCOUNTS] < state.accounts.size:
        row = scalars[st.ACCOUNTS]
        scalars[st.ACCOUNTS] += 1
    else:
        return -1
    account = state.accounts[row]
    account.fp = event.account
    account.used = 1
    account.created = -1
    account.first = event.event_time
    account.last = event.event_time
    account.hour_row = -1
    account.cohort = 255
    account.id_at = scalars[st.ID_END]
    account.id_len = event.account_len
    for i in range(event.account_len):
        state.ids[scalars[st.ID_END] + i] = buffer[event.account_at + i]
    scalars[st.ID_END] += event.account_len
    index_account(state, event.account, row)
    at = scalars[st.NEWCOMERS]
    newcomer = state.newcomers[at]
    newcomer.account = row
    newcomer.tick = tick
    newcomer.org_at = scalars[st.NAME_END]
    newcomer.org_len = event.org_len
    if event.org != np.uint64(0):
        copy_name(state, buffer, event.org_at, event.org_len)
    else:
        newcomer.org_len = 0
    scalars[st.NEWCOMERS] += 1
    return row


@nb.njit(cache=True, inline="always")
def copy_name(state: AccountState, buffer: np.ndarray, at: int, length: int) -> None:
    """Append a value's bytes to the pending names."""
    end = state.scalars[st.NAME_END]
    for i in range(length):
        state.names[end + i] = buffer[at + i]
    state.scalars[st.NAME_END] = end + length


@nb.njit(cache=True)
def write_number(state: AccountState, number: int) -> int:
    """Append a number's decimal digits to the pending names; returns how many."""
    digits = 1
    rest = number // 10
    while rest > 0:
        digits += 1
        rest //= 10
    end = state.scalars[st.NAME_END]
    for place in range(digits):
        state.names[end + digits - 1 - place] = 48 + number % 10
        number //= 10
    state.scalars[st.NAME_END] = end + digits
    return digits


@nb.njit(cache=True)
def fill_keys(event, account, keys: np.ndarray) -> np.uint64:
    """The event's key of each kind (0 not known), and one fingerprint of them all."""
    zero = np.uint64(0)
    keys[PAYMENT] = event.payment
    keys[DEVICE] = event.device
    keys[PREFIX] = event.prefix
    keys[ASN] = zero
    if event.asn >= 0:
        keys[ASN] = combine(np.uint64(event.asn + 1), np.uint64(event.ip_class))
    keys[TLS] = combine(event.tls, event.client) if event.tls != zero else zero
    keys[ORG] = event.org
    keys[REFERRAL] = event.referral
    keys[SYSTEM] = event.system
    keys[COHORT] = account.keys[COHORT]
    if keys[COHORT] == zero and event.created >= 0 and event.asn >= 0 and event.signup != 255:
        # The sign-up's own AS is not in an event: the first AS seen stands for it.
        hour = np.uint64(event.created // HOUR_MS)
        keys[COHORT] = combine(hour, combine(np.uint64(event.asn + 1), np.uint64(event.signup)))
    keyset = np.uint64(0)
    for kind in range(KINDS):
        keyset = mix(keyset ^ keys[kind]) + np.uint64(kind)
    return keyset


@nb.njit(cache=True)
def announce(
    state: AccountState,
    event,
    buffer: np.ndarray,
    row: int,
    keys: np.ndarray,
    tick: int,
    period: int,
    young: bool,
) -> None:
    """Note each value that this account has not shown before in the expiry period."""
    account = state.accounts[row]
    scalars = state.scalars
    if account.period != (period & 0xFFFF):
        account.period = period & 0xFFFF
        for kind in range(KINDS):
            if kind != COHORT:
                account.keys[kind] = 0
        renewed = True
    else:
        renewed = False
    for kind in range(KINDS):
        key = keys[kind]
        if key == np.uint64(0) or (account.keys[kind] == key and not (renewed and kind == COHORT)):
            continue
        account.keys[kind] = key
        pair = combine(key ^ np.uint64(kind), account.fp)
        outcome = see(state.sightings, pair, period, period - 1)
        if outcome == SEEN:
            continue
        if outcome == NEW_BY_EVICTION:
            state.counters[st.SIGHTING_OVERFLOW] += 1
        edge = state.edges[scalars[st.EDGES]]
        edge.key = key
        edge.account = account.fp
        edge.org = account.org
        edge.time = event.event_time
        edge.kind = kind
        edge.young = young
        edge.ip_class = event.ip_class
        edge.tick = tick
        edge.name_at = scalars[st.NAME_END]
        at, length = event.payment_at, 0
        if kind == PAYMENT:
            at, length = event.payment_at, event.payment_len
        elif kind == DEVICE:
            at, length = event.device_at, event.device_len
        elif kind == PREFIX:
            at, length = event.prefix_at, event.prefix_len
        elif kind == ORG:
            at, length = event.org_at, event.org_len
        elif kind == REFERRAL:
            at, length = event.referral_at, event.referral_len
        elif kind == SYSTEM:
            at, length = event.system_at, event.system_len
        elif kind == TLS:
            at, length = event.tls_at, event.tls_len
        if kind == ASN:
            length = write_number(state, event.asn)
        else:
            copy_name(state, buffer, at, length)
        edge.name_len = length
        scalars[st.EDGES] += 1


@nb.njit(cache=True)
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
    scalars = state.scalars
    free = state.minute_free
    if scalars[st.MINUTE_FREE] > 0:
        scalars[st.MINUTE_FREE] -= 1
        at = free[scalars[st.MINUTE_FREE]]
    elif scalars[st.MINUTE_TOP] < state.minutes.size:
        at = scalars[st.MINUTE_TOP]
        scalars[st.MINUTE_TOP] += 1
    else:
        return -1
    minute = state.minutes[at]
    minute.account = row
    minute.tick = tick
    minute.keyset = keyset
    minute.first = np.int64(1 << 62)
    minute.last = np.int64(-(1 << 62))
    for kind in range(KINDS):
        minute.keys[kind] = keys[kind]
    minute.chain = heads[bucket]
    heads[bucket] = at
    slot = tick & (state.ticks.size - 1)
    minute.sibling = state.ticks[slot]
    state.ticks[slot] = at
    state.accounts[row].open_minutes += 1
    return at


@nb.njit(cache=True, inline="always")
def model_slot(state: AccountState, model: np.uint64) -> int:
    """Slot of a model, in order of first sight; the last slot is any other."""
    known = state.scalars[st.MODELS]
    for slot in range(known):
        if state.models[slot] == model:
            return slot
    if known < state.models.size:
        state.models[known] = model
        state.scalars[st.MODELS] = known + 1
        return known
    return state.models.size


@nb.njit(cache=True)
def add_to_minute(state: AccountState, event, at: int) -> None:
    """Count one event in its minute."""
    minute = state.minutes[at]
    minute.requests += 1
    minute.input += event.input_tokens
    minute.output += event.output_tokens
    if event.reasoning_tokens > 0:
        minute.reasoning += event.reasoning_tokens
    if event.cost_micro > 0:
        minute.cost += event.cost_micro
    minute.first = min(minute.first, event.event_time)
    minute.last = max(minute.last, event.event_time)
    if event.status >= 400:
        minute.errors += 1
        if event.status == 429:
            minute.throttled += 1
    words = minute.distinct
    set_single(words, layout.PREFIXES, event.prefix)
    if event.asn >= 0:
        set_single(words, layout.ASNS, np.uint64(event.asn + 1))
    set_single(words, layout.DEVICES, event.device)
    set_double(words, layout.SESSIONS, event.session)
    if event.has_template:
        set_double(words, layout.TEMPLATES, event.template | np.uint64(1))
    set_double(words, layout.PROMPTS, event.prompt)
    if event.capability < layout.CAPABILITY_SLOTS and minute.capability[event.capability] < 65535:
        minute.capability[event.capability] += 1
    slot = model_slot(state, event.model)
    if minute.model[slot] < 65535:
        minute.model[slot] += 1
    if event.lang != np.uint64(0):
        slot = np.int64(mix(event.lang) & np.uint64(layout.LANGUAGE_SLOTS - 1))
        if minute.language[slot] < 65535:
            minute.language[slot] += 1
    second = (event.event_time % MINUTE_MS) // 1000
    minute.seconds |= np.uint64(1) << np.uint64(second)


@nb.njit(cache=True, inline="always")
def count_late(counters: np.ndarray, behind_ms: int) -> None:
    """Count a late event by how late it is."""
    counters[st.LATE] += 1
    if behind_ms < MINUTE_MS:
        counters[st.LATE_MINUTE] += 1
    elif behind_ms < 10 * MINUTE_MS:
        counters[st.LATE_TEN] += 1
    elif behind_ms < HOUR_MS:
        counters[st.LATE_HOUR] += 1
    elif behind_ms < 24 * HOUR_MS:
        counters[st.LATE_DAY] += 1
    else:
        counters[st.LATE_LONGER] += 1


@nb.njit(cache=True)
def ingest(
    state: AccountState,
    events: np.ndarray,
    start: int,
    stop: int,
    buffer: np.ndarray,
    lateness_ms: int,
    period_ticks: int,
    new_account_ms: int,
    keys: np.ndarray,
) -> tuple[int, int]:
    """Take events[start:stop] until something must happen first: (next event, why it stopped).

    A `TICK_PASSED` stop comes before the event that passed it is counted: `MAX_TIME` has moved,
    the caller closes what the watermark allows, and calls again from the same event.
    """
    scalars = state.scalars
    counters = state.counters
    edge_room = state.edges.size - KINDS
    name_room = state.names.size - (KINDS + 1) * 600
    for at in range(start, stop):
        event = events[at]
        time = event.event_time
        if scalars[st.STARTED] == st.NO_TIME:
            scalars[st.STARTED] = time
        if time > scalars[st.MAX_TIME]:
            scalars[st.MAX_TIME] = time
            # The watermark tick: the last tick that ends at or before the watermark.
            passed = (time - lateness_ms) // MINUTE_MS - 1
            if scalars[st.CLOSED] == st.NO_TIME:
                scalars[st.CLOSED] = passed
            elif passed > scalars[st.CLOSED]:
                return at, TICK_PASSED
        if (
            scalars[st.EDGES] > edge_room
            or scalars[st.NAME_END] > name_room
            or scalars[st.PROMPTS_PENDING] >= state.prompts.size
            or scalars[st.NEWCOMERS] >= state.newcomers.size
        ):
            return at, BUFFERS_FULL
        closed = scalars[st.CLOSED]
        tick = time // MINUTE_MS
        late = tick <= closed
        # Room first, memory of the event after: a stop must leave no trace of the event.
        open_tick = closed + 1 if late else tick
        row = find_account(state, event.account)
        if row < 0:
            row = admit_account(state, event, buffer, open_tick)
            if row < 0:
                return at, ACCOUNTS_FULL
        account = state.accounts[row]
        keyset = fill_keys(event, account, keys)
        minute = -1
        if not late:
            minute = find_minute(state, row, tick, keyset, keys)
            if minute < 0:
                return at, MINUTES_FULL
        outcome = see(state.dedupe, event.event, tick, closed)
        if outcome == SEEN and not late:
            counters[st.DUPLICATE] += 1
            continue
        if outcome == NEW_BY_EVICTION:
            counters[st.DEDUPE_OVERFLOW] += 1
        counters[st.ACCEPTED] += 1
        if event.created >= 0:
            account.created = event.created
        if event.org != np.uint64(0):
            account.org = event.org
        if event.tier != 255 or event.signup != 255:
            account.cohort = (event.tier & 7) * 8 + (event.signup & 7)
        account.first = min(account.first, time)
        account.last = max(account.last, time)
        account.requests += 1
        account.input += event.input_tokens
        account.output += event.output_tokens
        if event.cost_micro > 0:
            account.cost += event.cost_micro
        if account.created >= 0:
            young = time - account.created <= new_account_ms
        else:
            # Without a date the first sighting stands for it, once we have watched long enough.
            young = (
                account.first - scalars[st.STARTED] > new_account_ms
                and time - account.first <= new_account_ms
            )
        announce(state, event, buffer, row, keys, open_tick, open_tick // period_ticks, young)
        if late:
            account.late += 1
            count_late(counters, (closed + 1) * MINUTE_MS - time)
            continue
        add_to_minute(state, event, minute)
        if event.has_template:
            pending = state.prompts[scalars[st.PROMPTS_PENDING]]
            pending.template = event.template
            pending.tick = tick
            pending.time = time
            pending.output = event.output_tokens
            pending.account = row
            scalars[st.PROMPTS_PENDING] += 1
    return stop, DONE
