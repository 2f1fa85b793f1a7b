"""The hot loop: one event into the open minute of its account. Only adds, min, max and bit-or.

The kernel stops where something that depends on order must happen first (a tick closes, a table
is full, an output buffer must grow) and says why, so that every such act falls at an exact place
in the partition's order of records, however the records were batched.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.crowding import room_may_come
from detectors.accounts.event_time import (
    AHEAD,
    BEGINNING,
    BEGUN_ANEW,
    FARTHEST,
    LATENESS,
    MOVED,
    tell_time,
    within_ring,
)
from detectors.accounts.event_time import TOO_FAR as IS_TOO_FAR
from detectors.accounts.first_sightings import (
    PRESSED,
    TOLD,
    announce,
    drawn,
    fill_keys,
    late_crowd,
)
from detectors.accounts.layout import ELSEWHERE
from detectors.accounts.minutes import add_to_minute, find_minute, usage_of
from detectors.accounts.rows import (
    DISTRUSTED,
    LONGEST_NAME,
    admit_account,
    dates_hold,
    find_account,
    name_again,
    note_date,
    signed_up,
)
from detectors.accounts.state import AccountState
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS, NO_TIME
from detectors.interface.columns import Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import combine
from detectors.kernels.pool import rows_left
from detectors.kernels.seen_table import NEW_BY_EVICTION, OTHER, SEEN, see_content

DONE, TICK_PASSED, ACCOUNTS_FULL, BUFFERS_FULL, MINUTES_FULL, TOO_FAR, ALL_WRONG = range(7)


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
def no_room_ahead(state: AccountState, fp: np.uint64) -> bool:
    """Whether an event of an account that is ahead of time must not take a minute row.

    A quarter of the rows is for such events; beyond it they are for customers with a past alone.
    """
    left = rows_left(state.minute_free, state.scalars, st.MINUTE_TOP, st.MINUTE_FREE)
    if left >= state.minutes.size - state.minutes.size // 4:
        return False
    row = find_account(state, fp)
    return row < 0 or state.accounts[row].days <= 1


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
def add_prompt(state: AccountState, event: Row, row: int, tick: int, crowd: int) -> None:
    """Keep an event's template until its tick closes.

    `crowd` is how many of its account's minute came before: of many, where many wait, some by lot.
    """
    scalars = state.scalars
    waiting = scalars[st.PROMPTS_PENDING]
    pressed = waiting * PRESSED > state.minutes.size * st.PENDING_PER_MINUTE_ROW
    if pressed and not drawn(event.event, crowd):
        state.counters[st.PROMPT_BY_LOT] += 1
        return
    if waiting >= state.prompts.size:
        state.counters[st.PROMPT_OVERFLOW] += 1
        return
    pending = state.prompts[scalars[st.PROMPTS_PENDING]]
    pending.template = event.template
    pending.tick = tick
    pending.time = event.event_time
    pending.output = usage_of(event)[1]
    pending.account = row
    scalars[st.PROMPTS_PENDING] += 1


@inlined
def is_young(account: Row, time: int, started: int, dated: bool, new_account_ms: int) -> bool:
    """Whether an account is new at a time; `dated` says whether sign-ups are believed.

    Without a date the first sighting stands for it, once we have watched long enough.
    """
    if account.created >= 0 and dated:
        return time - account.created <= new_account_ms
    return account.first - started > new_account_ms and time - account.first <= new_account_ms


@inlined
def note_account(account: Row, event: Row, counters: np.ndarray) -> None:
    """Note what an event says of its account, and when it was seen. `counters` is int64."""
    created = signed_up(event, account)
    if created == DISTRUSTED or (
        created >= 0 and (account.created < 0 or created < account.created)
    ):
        account.created = created
    if created < 0 and event.created >= 0:
        counters[st.TOO_YOUNG] += 1
    if event.tier != 255 or event.signup != 255:
        account.cohort = (event.tier & 7) * 8 + (event.signup & 7)
    account.first = min(account.first, event.event_time)
    account.last = max(account.last, event.event_time)


@inlined
def identity_of(state: AccountState, event: Row, tick: int, closed: int) -> np.uint64:
    """What an event is remembered by; 0 where it was seen within the horizon: id and content the same.

    Ids are the producer's, and some are not unique, or are the caller's own to choose. The same id with
    other content is another event, remembered by both, and counted.
    """
    identity = event.event
    content = np.uint32(event.content >> np.uint64(32)) | np.uint32(1)
    outcome = see_content(state.dedupe, state.contents, identity, content, tick, closed)
    if outcome == OTHER:
        identity = combine(event.event, event.content)
        outcome = see_content(state.dedupe, state.contents, identity, content, tick, closed)
        if outcome != SEEN:
            state.counters[st.REUSED] += 1
    if outcome == SEEN:
        state.counters[st.DUPLICATE] += 1
        return np.uint64(0)
    if outcome == NEW_BY_EVICTION:
        state.counters[st.DEDUPE_OVERFLOW] += 1
    return np.uint64(identity)


@kernel
def ingest(
    state: AccountState,
    events: np.ndarray,
    rows: np.ndarray,
    start: int,
    stop: int,
    told: int,
    buffer: np.ndarray,
    times: np.ndarray,
    period_ticks: int,
    new_account_ms: int,
    keys: np.ndarray,
    source: int,
    partitions: int,
) -> tuple[int, int]:
    """Take events[rows[start:stop]] until something must happen first: (next place, why it stopped).

    A `TICK_PASSED` stop comes before the event that passed it is counted: `MAX_TIME` has moved, the
    caller closes what the watermark allows, and calls again from the same event, as `told`: what it
    says of the time is heard once. `TOO_FAR` is a stop at an event that is to be set aside, `ALL_WRONG`
    one at which all that was taken lies too far ahead to be kept open. `events` are EVENT rows, `rows`
    int64 places in them, `buffer` (uint8) their strings; `times` (int64) those of `times_of`; `keys`
    (uint64, one place a kind) is scratch; this is partition `source` of so many.
    """
    scalars = state.scalars
    counters = state.counters
    lateness_ms = times[LATENESS]
    for at in range(start, stop):
        event = events[rows[at]]
        time = event.event_time
        if time > st.MOST_TIME:
            counters[st.BEYOND] += 1
            continue
        if scalars[st.STARTED] == NO_TIME:
            scalars[st.STARTED] = time
        if at != told:
            said = tell_time(scalars, event.account, time, times)
            if said == IS_TOO_FAR or (said == AHEAD and no_room_ahead(state, event.account)):
                counters[st.TOO_FAR] += 1
                return at, TOO_FAR
            if said == AHEAD:
                counters[st.AHEAD] += 1
            elif said in (MOVED, BEGUN_ANEW):
                # The watermark tick: the last tick that ends at or before the watermark.
                passed = (scalars[st.MAX_TIME] - lateness_ms) // MINUTE_MS - 1
                if scalars[st.CLOSED] == NO_TIME or said == BEGUN_ANEW:
                    scalars[st.CLOSED] = passed
                    scalars[st.STARTED] = min(scalars[st.STARTED], time)
                    if scalars[st.GREATEST] > time + times[FARTHEST]:
                        return at, ALL_WRONG
                elif passed > scalars[st.CLOSED] and (
                    scalars[st.BEGUN] >= BEGINNING or not within_ring(scalars, time // MINUTE_MS)
                ):
                    scalars[st.BEGUN] = BEGINNING
                    return at, TICK_PASSED
        if buffers_full(state):
            return at, BUFFERS_FULL
        closed = scalars[st.CLOSED]
        tick = time // MINUTE_MS
        late = tick <= closed
        if late and scalars[st.BEGUN] < BEGINNING and within_ring(scalars, tick):
            # No tick has closed yet: what came first may have been the wrong ones.
            closed = scalars[st.CLOSED] = tick - 1
            late = False
        # Room first, memory of the event after: a stop must leave no trace of the event.
        open_tick = closed + 1 if late else tick
        row = find_account(state, event.account)
        if row < 0:
            if not late and minutes_full(state):
                if scalars[st.FOLDED] != closed:
                    return at, MINUTES_FULL
                counters[st.MINUTE_OVERFLOW] += 1
                continue
            row = admit_account(state, event, buffer, open_tick, source, partitions)
            if row < 0:
                if scalars[st.REFUSING] != closed:
                    return at, ACCOUNTS_FULL
                counters[st.ACCOUNT_OVERFLOW] += 1
                continue
        account = state.accounts[row]
        note_date(scalars, event)
        dated = dates_hold(scalars)
        keyset = fill_keys(event, account, keys, dated)
        minute, identity = -1, np.uint64(0)
        crowd = late_crowd(state) if late else 0
        if not late:
            minute = find_minute(state, row, tick, keyset, keys)
            if minute < 0:
                if room_may_come(state, account, closed):
                    return at, MINUTES_FULL
                counters[st.MINUTE_OVERFLOW] += 1
                # Its volume is not counted; what it shares with others is told as of a late one.
                note_account(account, event, counters)
                young = is_young(account, time, scalars[st.STARTED], dated, new_account_ms)
                period = open_tick // period_ticks
                crowd = late_crowd(state)
                announce(state, event, buffer, row, keys, open_tick, period, young, crowd)
                continue
            identity = identity_of(state, event, tick, closed)
            if identity == np.uint64(0):
                continue
        counters[st.ACCEPTED] += 1
        if account.used == ELSEWHERE:
            counters[st.MISPLACED] += 1
        note_account(account, event, counters)
        if not late and state.minutes[minute].keyset != keyset:
            counters[st.MINUTE_COARSE] += 1
            crowd = state.minutes[minute].requests + 1
        if event.org != np.uint64(0) and event.org != account.org and crowd <= TOLD:
            name_again(state, event, buffer, row, open_tick)
        young = is_young(account, time, scalars[st.STARTED], dated, new_account_ms)
        period = open_tick // period_ticks
        announce(state, event, buffer, row, keys, open_tick, period, young, crowd)
        if late:
            count_late(counters, (closed + 1) * MINUTE_MS - time)
            continue
        add_to_minute(state, event, minute, buffer, identity)
        if event.has_template:
            add_prompt(state, event, row, tick, state.minutes[minute].requests)
    return stop, DONE
