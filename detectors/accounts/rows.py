"""Accounts by fingerprint: finding a row, making one, and the bytes of names that wait to be told."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.layout import ELSEWHERE, HERE
from detectors.accounts.state import AccountState
from detectors.accounts.time_votes import LOTS_SHIFT, voices
from detectors.interface.clock import DAY_MS, MINUTE_MS
from detectors.interface.columns import Row
from detectors.kernels.arena import append
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hash_index import put_row, row_of
from detectors.kernels.hashing import mix
from detectors.kernels.partitioner import home_of, partitions_at
from detectors.kernels.pool import NONE_LEFT, take_row

LONG_AGO_MS = 7 * DAY_MS  # who signed up before is new to nobody
MANY_LOTS = 4  # of 64 that signed up of late,
FEW_SHARE = 6  # where fewer than one in so many did long ago
DISTRUSTED = -2  # of an account whose sign-up moves: it is something else
LONGEST_NAME = 2_100  # bytes: 512 characters of four bytes, and some


@inlined
def copy_name(state: AccountState, buffer: np.ndarray, at: int, length: int) -> None:
    """Append a value's bytes to the pending names. `buffer` is uint8."""
    end = state.scalars[st.NAME_END]
    state.scalars[st.NAME_END] = append(state.names, end, buffer, at, length)


@kernel
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


@inlined
def _same_account(account: Row, fp: np.uint64) -> bool:
    return account.fp == fp


@kernel
def find_account(state: AccountState, fp: np.uint64) -> int:
    """Row of an account, or -1."""
    return row_of(state.slots, mix(fp), state.accounts, _same_account, fp)


@kernel
def index_account(state: AccountState, fp: np.uint64, row: int) -> None:
    """Make a row findable."""
    put_row(state.slots, mix(fp), row)


@inlined
def note_date(scalars: np.ndarray, event: Row) -> None:
    """Note whether an event's account signed up long before it. `scalars` are int64."""
    if event.created >= 0:
        long_ago = event.event_time - event.created > LONG_AGO_MS
        place = st.DATED_LONG_AGO if long_ago else st.DATED_OF_LATE
        scalars[place] |= np.int64(1) << np.int64(event.account >> LOTS_SHIFT)


@inlined
def dates_hold(scalars: np.ndarray) -> bool:
    """Whether sign-ups are believed to be that: not where several are of late and hardly any is older.

    Where a session's start is given for it, or the time of the request, all are of today, and all
    accounts would be new. `scalars` are int64.
    """
    of_late = voices(scalars[st.DATED_OF_LATE])
    return bool(of_late < MANY_LOTS or voices(scalars[st.DATED_LONG_AGO]) * FEW_SHARE >= of_late)


@inlined
def signed_up(event: Row, account: Row) -> int:
    """When an event says that its account signed up, ms; -1 where that is not known, or not possible.

    A sign-up does not move: of two dates the earlier counts, and from then on none (`DISTRUSTED`) where the
    earlier is of late too: it is a session's start, or the request's. Who was active on whole days before is
    older than a sign-up after them. Days are counted as they close, so late events and clocks that are
    behind make nobody old.
    """
    if event.created >= 0 and account.created >= 0 and event.created > account.created + MINUTE_MS:
        of_late = event.event_time - account.created <= LONG_AGO_MS
        return DISTRUSTED if of_late else -1
    if account.created == DISTRUSTED:
        return -1
    if account.days > 1:
        active_ms = (np.int64(account.days) - 1) * DAY_MS
        if event.created > max(event.event_time, account.last) - active_ms:
            return -1
    return event.created


MOST_RENAMED = 4096  # pending names beyond which known accounts wait


@kernel
def admit_account(
    state: AccountState, event: Row, buffer: np.ndarray, tick: int, source: int, partitions: int
) -> int:
    """A row for an account never seen; -1 where the table or the id arena is full.

    `buffer` (uint8) holds the event's strings; this is partition `source` of so many.
    """
    scalars = state.scalars
    if scalars[st.ID_END] + event.account_len > state.ids.size:
        return -1
    row = take_row(state.free, scalars, st.ACCOUNTS, st.ACCOUNT_FREE)
    if row == NONE_LEFT:
        return -1
    account = state.accounts[row]
    account.fp = event.account
    account.org = event.org
    account.used = HERE if home_of(event, buffer, partitions) == source else ELSEWHERE
    account.created = -1
    account.first = event.event_time
    account.last = event.event_time
    account.hour_row = -1
    account.cohort = 255
    end = scalars[st.ID_END]
    account.id_at = end
    account.id_len = event.account_len
    scalars[st.ID_END] = append(state.ids, end, buffer, event.account_at, event.account_len)
    index_account(state, event.account, row)
    _name(state, event, buffer, row, tick)
    return row


def place_accounts(state: AccountState, source: int, partitions: int) -> None:
    """Say of each account whether it belongs in partition `source` of so many: a version before did not."""
    accounts = state.accounts[: state.scalars[st.ACCOUNTS]]
    at, length = accounts["id_at"].astype(np.int64), accounts["id_len"].astype(np.int64)
    homes = partitions_at(state.ids, at, length, partitions)
    used = accounts["used"] != 0
    accounts["used"][used] = np.where(homes[used] == source, HERE, ELSEWHERE)


@kernel
def name_again(state: AccountState, event: Row, buffer: np.ndarray, row: int, tick: int) -> None:
    """Have the owner told of an account's other organisation: allowances are by organisation.

    Where much is pending it is left unremembered, so that a later event tells it; else an account
    that changes with each request would fill the table that newcomers need. `buffer` (uint8) holds
    the event's strings.
    """
    if state.scalars[st.NEWCOMERS] >= min(state.newcomers.size // 4, MOST_RENAMED):
        state.counters[st.EDGE_OVERFLOW] += 1
        return
    state.accounts[row].org = event.org
    _name(state, event, buffer, row, tick)


@kernel
def _name(state: AccountState, event: Row, buffer: np.ndarray, row: int, tick: int) -> None:
    scalars = state.scalars
    at = scalars[st.NEWCOMERS]
    newcomer = state.newcomers[at]
    newcomer.account = row
    newcomer.tick = tick
    newcomer.org_at = scalars[st.NAME_END]
    newcomer.org_len = 0
    if event.org != np.uint64(0) and scalars[st.NAME_END] + LONGEST_NAME <= state.names.size:
        newcomer.org_len = event.org_len
        copy_name(state, buffer, event.org_at, event.org_len)
    scalars[st.NEWCOMERS] += 1
