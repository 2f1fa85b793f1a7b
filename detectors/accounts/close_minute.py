"""A tick closes: its minutes go into their accounts' hours, and into sums per key for the hand-over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.habits import NO_STYLE, add_style, add_values
from detectors.accounts.layout import NO_MINUTE
from detectors.accounts.minutes import bucket_of
from detectors.accounts.state import AccountState
from detectors.accounts.windows import merge
from detectors.exchange.rows import LOAD, SUM
from detectors.interface.columns import CAPABILITY_SLOTS, Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hash_index import put_row, row_of
from detectors.kernels.hashing import mix
from detectors.kernels.pool import give_row, power_of_two, take_row

_NO_SUM = np.zeros(1, SUM)
_NO_LOAD = np.zeros(1, LOAD)


class KeySums(NamedTuple):
    """Scratch for sums per key of one closing: an open-addressing index over packed rows."""

    slots: np.ndarray  # row + 1, 0 empty; cleared after use
    places: np.ndarray  # the slot that each row sits in
    sums: np.ndarray  # SUM
    loads: np.ndarray  # LOAD
    found: np.ndarray  # rows of one account's or minute's keys, as `find_rows` left them
    last: np.ndarray  # last account added to each row, + 1


def key_sums(rows: int) -> KeySums:
    """Scratch with room for `rows` keys."""
    return KeySums(
        slots=np.zeros(power_of_two(rows * 2), np.int32),
        places=np.zeros(rows, np.int32),
        sums=np.zeros(rows, SUM),
        loads=np.zeros(rows, LOAD),
        found=np.zeros(ACCOUNT_KINDS, np.int32),
        last=np.zeros(rows, np.int32),
    )


@inlined
def _same_sum(total: Row, wanted: tuple[np.uint64, int]) -> bool:
    return total.key == wanted[0] and total.kind == wanted[1]


@kernel
def _sum_row(scratch: KeySums, used: int, kind: int, key: np.uint64) -> int:
    """Row of a key in the scratch; equal to `used`, and without sums yet, where it is new."""
    start = mix(key ^ np.uint64(kind))
    row = row_of(scratch.slots, start, scratch.sums, _same_sum, (key, kind))
    if row >= 0:
        return row
    scratch.places[used] = put_row(scratch.slots, start, used)
    scratch.last[used] = 0
    scratch.sums[used] = _NO_SUM[0]
    scratch.sums[used].key = key
    scratch.sums[used].kind = kind
    scratch.loads[used] = _NO_LOAD[0]
    scratch.loads[used].key = key
    scratch.loads[used].kind = kind
    return used


@kernel
def find_rows(scratch: KeySums, used: int, keys: np.ndarray) -> tuple[int, int]:
    """Rows of an account's or a minute's keys, into `scratch.found`: (how many, rows then used).

    `keys` is uint64, one place a kind, 0 where it has none.
    """
    count = 0
    for kind in range(ACCOUNT_KINDS):
        if keys[kind] != np.uint64(0):
            row = _sum_row(scratch, used, kind, keys[kind])
            used = max(used, row + 1)
            scratch.found[count] = row
            count += 1
    return count, used


@kernel
def release(scratch: KeySums, used: int) -> None:
    """Forget the scratch's index, at the cost of what was used alone."""
    for row in range(used):
        scratch.slots[scratch.places[row]] = 0


@kernel
def unlink_minute(state: AccountState, at: int) -> None:
    """Take a minute out of its hash bucket."""
    minute = state.minutes[at]
    bucket = bucket_of(state, minute.account, minute.tick, minute.keyset)
    here = state.minute_heads[bucket]
    if here == at:
        state.minute_heads[bucket] = minute.chain
    else:
        while state.minutes[here].chain != at:
            here = state.minutes[here].chain
        state.minutes[here].chain = minute.chain


@kernel
def unchain(state: AccountState, at: int) -> None:
    """Take a minute out of its hash bucket, empty it and put it on the free stack."""
    unlink_minute(state, at)
    state.minutes[at] = NO_MINUTE[0]
    state.styles[at] = NO_STYLE[0]
    give_row(state.minute_free, state.scalars, st.MINUTE_FREE, at)


@kernel
def hour_of(state: AccountState, row: int) -> int:
    """Row of an account's open hour, made where there is none."""
    account = state.accounts[row]
    if account.hour_row >= 0:
        return account.hour_row
    # As many rows as accounts: there is always one.
    at = take_row(state.hour_free, state.scalars, st.HOUR_TOP, st.HOUR_FREE)
    account.hour_row = at
    state.hours[at].account = row
    return at


@kernel
def add_to_keys(scratch: KeySums, used: int, minute: Row, account: int) -> int:
    """Add one minute to the sums of each of its keys; returns the rows then used."""
    count, used = find_rows(scratch, used, minute.keys)
    for at in scratch.found[:count]:
        total = scratch.sums[at]
        total.requests += minute.requests
        total.input += minute.input
        total.output += minute.output
        if scratch.last[at] != account + 1:
            total.accounts += 1
            scratch.last[at] = account + 1
        for i in range(CAPABILITY_SLOTS):
            total.capability[i] += minute.capability[i]
    return used


@kernel
def close_minute(
    state: AccountState, tick: int, rows: np.ndarray, count: int, scratch: KeySums
) -> int:
    """Close the minutes rows[:count] (in order of account) of a tick; returns how many keys were summed.

    `rows` are int64 places in `state.minutes`.
    """
    used = 0
    for place in range(count):
        minute = state.minutes[rows[place]]
        account = minute.account
        state.accounts[account].open_minutes -= 1
        if minute.requests > 0:
            merge(state.hours[hour_of(state, account)], minute)
            used = add_to_keys(scratch, used, minute, account)
            add_style(state.habits[account], state.styles[rows[place]])
            add_values(state, minute, state.styles[rows[place]])
        unchain(state, rows[place])
    state.ticks[tick & (state.ticks.size - 1)] = -1
    release(scratch, used)
    return used
