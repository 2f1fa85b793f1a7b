"""The hot loop: one event into the open minute of its account. Only adds, min, max and bit-or.

The kernel stops where something that depends on order must happen first (a tick closes, a table
is full, an output buffer must grow) and says why, so that every such act falls at an exact place
in the partition's order of records, however the records were batched.
"""

from __future__ import annotations

import numpy as np

from detectors import account_state as st
from detectors import layout
from detectors.account_rows import LONGEST_NAME, admit_account, find_account, name_again
from detectors.account_state import AccountState
from detectors.announce import announce, fill_keys
from detectors.kernel import inlined, kernel
from detectors.recency import NEW_BY_EVICTION, SEEN, combine, mix, see
from detectors.sketches import set_double, set_single

DONE, TICK_PASSED, ACCOUNTS_FULL, BUFFERS_FULL = range(4)
KINDS = 9
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_TICKS = 1440
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


@kernel
def find_model(state: AccountState, event: layout.Row) -> int:
    """Place of an event's model among the known ones, -1 where there is none for it.

    A model becomes known, and the newest, by its first answer: a misspelt name is answered with an
    error. Where the table is full it takes the place of the one longest unused, if that is a day.
    """
    scalars = state.scalars
    tick = event.event_time // MINUTE_MS
    known = scalars[st.MODELS]
    oldest = 0
    for place in range(known):
        if state.models[place] == event.model:
            state.model_used[place] = max(state.model_used[place], tick)
            return place
        if state.model_used[place] < state.model_used[oldest]:
            oldest = place
    if event.status >= 400:
        return -1
    if known < state.models.size:
        oldest = known
        scalars[st.MODELS] = known + 1
    elif tick - state.model_used[oldest] < DAY_TICKS:
        return -1
    state.models[oldest] = event.model
    state.model_used[oldest] = tick
    scalars[st.NEWEST] = oldest
    return oldest


@inlined
def counted(amount: int) -> int:
    """An event's tokens or cost, as sums take them: 0 where not known (-1), and bounded."""
    return min(max(amount, 0), MOST_COUNTED)


@kernel
def add_to_minute(state: AccountState, event: layout.Row, at: int) -> None:
    """Count one event in its minute."""
    minute = state.minutes[at]
    minute.requests += 1
    minute.input += counted(event.input_tokens)
    minute.output += counted(event.output_tokens)
    minute.reasoning += counted(event.reasoning_tokens)
    minute.cost += counted(event.cost_micro)
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
    place = find_model(state, event)
    if place >= 0 and place == state.scalars[st.NEWEST]:
        minute.newest += 1
    slot = place if 0 <= place < layout.MODEL_SLOTS - 1 else layout.MODEL_SLOTS - 1
    if minute.model[slot] < 65535:
        minute.model[slot] += 1
    if event.lang != np.uint64(0):
        slot = np.int64(mix(event.lang) & np.uint64(layout.LANGUAGE_SLOTS - 1))
        if minute.language[slot] < 65535:
            minute.language[slot] += 1
    second = (event.event_time % MINUTE_MS) // 1000
    minute.seconds |= np.uint64(1) << np.uint64(second)


@inlined
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


@inlined
def minutes_full(state: AccountState) -> bool:
    """Whether no minute row is left."""
    scalars = state.scalars
    return scalars[st.MINUTE_FREE] == 0 and scalars[st.MINUTE_TOP] == state.minutes.size


@inlined
def buffers_full(state: AccountState) -> bool:
    """Whether one more event might not fit into the pending buffers, and they may still grow."""
    scalars = state.scalars
    if scalars[st.EDGES_FULL] == 0 and (
        scalars[st.EDGES] > state.edges.size - KINDS
        or scalars[st.NAME_END] > state.names.size - (KINDS + 1) * LONGEST_NAME
    ):
        return True
    if scalars[st.PROMPTS_FULL] == 0 and scalars[st.PROMPTS_PENDING] >= state.prompts.size:
        return True
    return scalars[st.NEWCOMERS] >= state.newcomers.size


@kernel
def add_prompt(state: AccountState, event: layout.Row, row: int, tick: int) -> None:
    """Keep an event's template until its tick closes."""
    scalars = state.scalars
    if scalars[st.PROMPTS_PENDING] >= state.prompts.size:
        state.counters[st.PROMPT_OVERFLOW] += 1
        return
    pending = state.prompts[scalars[st.PROMPTS_PENDING]]
    pending.template = event.template
    pending.tick = tick
    pending.time = event.event_time
    pending.output = counted(event.output_tokens)
    pending.account = row
    scalars[st.PROMPTS_PENDING] += 1


@inlined
def is_young(account: layout.Row, time: int, started: int, new_account_ms: int) -> bool:
    """Whether an account is new at a time.

    Without a date the first sighting stands for it, once we have watched long enough.
    """
    if account.created >= 0:
        return time - account.created <= new_account_ms
    return account.first - started > new_account_ms and time - account.first <= new_account_ms


@inlined
def add_to_account(account: layout.Row, event: layout.Row) -> None:
    """Count one event in its account's lifetime."""
    if event.created >= 0:
        account.created = event.created
    if event.tier != 255 or event.signup != 255:
        account.cohort = (event.tier & 7) * 8 + (event.signup & 7)
    account.first = min(account.first, event.event_time)
    account.last = max(account.last, event.event_time)
    account.requests += 1
    account.input += counted(event.input_tokens)
    account.output += counted(event.output_tokens)
    account.cost += counted(event.cost_micro)


@kernel
def ingest(
    state: AccountState,
    events: np.ndarray,
    rows: np.ndarray,
    start: int,
    stop: int,
    buffer: np.ndarray,
    lateness_ms: int,
    period_ticks: int,
    new_account_ms: int,
    keys: np.ndarray,
) -> tuple[int, int]:
    """Take events[rows[start:stop]] until something must happen first: (next place, why it stopped).

    A `TICK_PASSED` stop comes before the event that passed it is counted: `MAX_TIME` has moved,
    the caller closes what the watermark allows, and calls again from the same event.
    """
    scalars = state.scalars
    counters = state.counters
    for at in range(start, stop):
        event = events[rows[at]]
        time = event.event_time
        if time > st.MOST_TIME:
            counters[st.BEYOND] += 1
            continue
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
        if buffers_full(state):
            return at, BUFFERS_FULL
        closed = scalars[st.CLOSED]
        tick = time // MINUTE_MS
        late = tick <= closed
        # Room first, memory of the event after: a stop must leave no trace of the event.
        open_tick = closed + 1 if late else tick
        row = find_account(state, event.account)
        if row < 0:
            if not late and minutes_full(state):
                counters[st.MINUTE_OVERFLOW] += 1
                continue
            row = admit_account(state, event, buffer, open_tick)
            if row < 0:
                if scalars[st.REFUSING] != closed:
                    return at, ACCOUNTS_FULL
                counters[st.ACCOUNT_OVERFLOW] += 1
                continue
        account = state.accounts[row]
        keyset = fill_keys(event, account, keys)
        minute = -1
        if not late:
            minute = find_minute(state, row, tick, keyset, keys)
            if minute < 0:
                counters[st.MINUTE_OVERFLOW] += 1
                continue
            outcome = see(state.dedupe, event.event, tick, closed)
            if outcome == SEEN:
                counters[st.DUPLICATE] += 1
                continue
            if outcome == NEW_BY_EVICTION:
                counters[st.DEDUPE_OVERFLOW] += 1
        counters[st.ACCEPTED] += 1
        add_to_account(account, event)
        if event.org != np.uint64(0) and event.org != account.org:
            name_again(state, event, buffer, row, open_tick)
        young = is_young(account, time, scalars[st.STARTED], new_account_ms)
        announce(state, event, buffer, row, keys, open_tick, open_tick // period_ticks, young)
        if late:
            account.late += 1
            count_late(counters, (closed + 1) * MINUTE_MS - time)
            continue
        add_to_minute(state, event, minute)
        if event.has_template:
            add_prompt(state, event, row, tick)
    return stop, DONE
