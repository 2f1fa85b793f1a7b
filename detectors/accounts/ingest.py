"""The hot loop: one event into the open minute of its account. Only adds, min, max and bit-or.

The kernel stops where something that depends on order must happen first (a tick closes, a table
is full, an output buffer must grow) and says why, so that every such act falls at an exact place
in the partition's order of records, however the records were batched.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.first_sightings import announce, fill_keys
from detectors.accounts.minutes import add_to_minute, counted, find_minute
from detectors.accounts.rows import LONGEST_NAME, admit_account, find_account, name_again
from detectors.accounts.state import AccountState
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS, NO_TIME
from detectors.interface.columns import Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.pool import rows_left
from detectors.kernels.seen_table import NEW_BY_EVICTION, SEEN, see

DONE, TICK_PASSED, ACCOUNTS_FULL, BUFFERS_FULL = range(4)


@inlined
def count_late(counters: np.ndarray, behind_ms: int) -> None:
    """Count a late event by how late it is. `counters` is int64."""
    counters[st.LATE] += 1
    if behind_ms < MINUTE_MS:
        counters[st.LATE_MINUTE] += 1
    elif behind_ms < 10 * MINUTE_MS:
        counters[st.LATE_TEN] += 1
    elif behind_ms < HOUR_MS:
        counters[st.LATE_HOUR] += 1
    elif behind_ms < DAY_MS:
        counters[st.LATE_DAY] += 1
    else:
        counters[st.LATE_LONGER] += 1


@inlined
def minutes_full(state: AccountState) -> bool:
    """Whether no minute row is left."""
    return rows_left(state.minute_free, state.scalars, st.MINUTE_TOP, st.MINUTE_FREE) == 0


@inlined
def buffers_full(state: AccountState) -> bool:
    """Whether one more event might not fit into the pending buffers, and they may still grow."""
    scalars = state.scalars
    if scalars[st.EDGES_FULL] == 0 and (
        scalars[st.EDGES] > state.edges.size - ACCOUNT_KINDS
        or scalars[st.NAME_END] > state.names.size - (ACCOUNT_KINDS + 1) * LONGEST_NAME
    ):
        return True
    if scalars[st.PROMPTS_FULL] == 0 and scalars[st.PROMPTS_PENDING] >= state.prompts.size:
        return True
    return scalars[st.NEWCOMERS] >= state.newcomers.size


@kernel
def add_prompt(state: AccountState, event: Row, row: int, tick: int) -> None:
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
def is_young(account: Row, time: int, started: int, new_account_ms: int) -> bool:
    """Whether an account is new at a time.

    Without a date the first sighting stands for it, once we have watched long enough.
    """
    if account.created >= 0:
        return time - account.created <= new_account_ms
    return account.first - started > new_account_ms and time - account.first <= new_account_ms


@inlined
def note_account(account: Row, event: Row) -> None:
    """Note what an event says of its account, and when it was seen."""
    if event.created >= 0:
        account.created = event.created
    if event.tier != 255 or event.signup != 255:
        account.cohort = (event.tier & 7) * 8 + (event.signup & 7)
    account.first = min(account.first, event.event_time)
    account.last = max(account.last, event.event_time)


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

    A `TICK_PASSED` stop comes before the event that passed it is counted: `MAX_TIME` has moved, the
    caller closes what the watermark allows, and calls again from the same event. `events` are EVENT
    rows, `rows` int64 places in them, `buffer` (uint8) their strings; `keys` (uint64, one place a
    kind) is scratch.
    """
    scalars = state.scalars
    counters = state.counters
    for at in range(start, stop):
        event = events[rows[at]]
        time = event.event_time
        if time > st.MOST_TIME:
            counters[st.BEYOND] += 1
            continue
        if scalars[st.STARTED] == NO_TIME:
            scalars[st.STARTED] = time
        if time > scalars[st.MAX_TIME]:
            scalars[st.MAX_TIME] = time
            # The watermark tick: the last tick that ends at or before the watermark.
            passed = (time - lateness_ms) // MINUTE_MS - 1
            if scalars[st.CLOSED] == NO_TIME:
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
        note_account(account, event)
        if event.org != np.uint64(0) and event.org != account.org:
            name_again(state, event, buffer, row, open_tick)
        young = is_young(account, time, scalars[st.STARTED], new_account_ms)
        announce(state, event, buffer, row, keys, open_tick, open_tick // period_ticks, young)
        if late:
            count_late(counters, (closed + 1) * MINUTE_MS - time)
            continue
        add_to_minute(state, event, minute, buffer)
        if event.has_template:
            add_prompt(state, event, row, tick)
    return stop, DONE
