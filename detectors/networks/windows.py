"""Windows of shared keys: sums of a tick, hours, days, expiry, and who joined lately."""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors.interface.columns import CAPABILITY_SLOTS, Row
from detectors.kernels.arena import pack
from detectors.kernels.compiled import kernel
from detectors.kernels.pool import give_row
from detectors.networks import state as ks
from detectors.networks.members import find_shared, index_shared, release_members
from detectors.networks.state import NetworkState


@kernel
def add_to_open(
    state: NetworkState, sums: Row, requests: int, accounts: int, tick: int, end_ms: int
) -> int:
    """Add one source's sums of a key to its open minute and hour; returns its row.

    -1 for values that one account alone holds: they are that account's own windows.
    """
    row = find_shared(state, sums.key, sums.kind)
    if row < 0:
        return -1
    shared = state.shared[row]
    if shared.minute_tick != tick:
        shared.minute_tick = tick
        shared.minute_requests = 0
        shared.minute_accounts = 0
    shared.minute_requests += requests
    shared.minute_accounts += accounts
    shared.hour_requests += requests
    shared.hour_input += sums.input
    shared.hour_output += sums.output
    shared.last = max(shared.last, end_ms)
    return row


@kernel
def apply_sums(state: NetworkState, sums: np.ndarray, tick: int, end_ms: int) -> None:
    """Add a tick's sums. `sums` are rows.SUM."""
    for i in range(sums.size):
        total = sums[i]
        row = add_to_open(state, total, total.requests, total.accounts, tick, end_ms)
        if row >= 0:
            for c in range(CAPABILITY_SLOTS):
                state.shared[row].capability[c] += total.capability[c]


@kernel
def apply_ones(state: NetworkState, ones: np.ndarray, tick: int, end_ms: int) -> None:
    """Add a tick's single requests. `ones` are rows.ONE."""
    for i in range(ones.size):
        one = ones[i]
        row = add_to_open(state, one, 1, 1, tick, end_ms)
        if row >= 0 and one.capability < CAPABILITY_SLOTS:
            state.shared[row].capability[one.capability] += 1


@kernel
def apply_loads(state: NetworkState, loads: np.ndarray) -> None:
    """Add a closed day's load over accounts (evenness = requests^2 / (accounts * squares)).

    `loads` are rows.LOAD.
    """
    for i in range(loads.size):
        load = loads[i]
        row = find_shared(state, load.key, load.kind)
        if row >= 0:
            shared = state.shared[row]
            shared.load_accounts += load.accounts
            shared.load_requests += load.requests
            shared.load_squares += load.squares


@kernel
def close_hours(state: NetworkState) -> int:
    """Add every open hour to its day; returns how many were open."""
    closed = 0
    for row in range(state.scalars[ks.SHARED]):
        shared = state.shared[row]
        if shared.used == 1 and shared.hour_requests > 0:
            closed += 1
            shared.day_requests += shared.hour_requests
            shared.day_input += shared.hour_input
            shared.day_output += shared.hour_output
            shared.hour_requests = 0
            shared.hour_input = 0
            shared.hour_output = 0
    return closed


@kernel
def close_days(state: NetworkState) -> int:
    """Close every key's day: it becomes the past one; the coming load starts at nothing."""
    closed = 0
    for row in range(state.scalars[ks.SHARED]):
        shared = state.shared[row]
        if shared.used == 0:
            continue
        closed += shared.day_requests > 0
        shared.past_requests = shared.day_requests
        shared.past_input = shared.day_input
        shared.past_output = shared.day_output
        shared.day_requests = 0
        shared.day_input = 0
        shared.day_output = 0
        shared.load_accounts = 0
        shared.load_requests = 0
        shared.load_squares = 0
        for c in range(CAPABILITY_SLOTS):
            shared.past_capability[c] = shared.capability[c]
            shared.capability[c] = 0
    return closed


@kernel
def joined(
    state: NetworkState,
    row: int,
    since: int,
    accounts: np.ndarray,
    times: np.ndarray,
    orgs: np.ndarray,
) -> int:
    """Accounts that joined a key while new, since a time; newest first. Returns how many.

    `accounts` and `orgs` (uint64) and `times` (int64, ms) receive one place each, as many as they
    have room for.
    """
    count = 0
    at = state.shared[row].member
    while at >= 0:
        member = state.members[at]
        if member.young == 1 and member.time >= since and count < accounts.size:
            accounts[count] = member.account
            times[count] = member.time
            orgs[count] = member.org
            count += 1
        at = member.next
    return count


@nb.njit(cache=True, nogil=True)
def parties(orgs: np.ndarray) -> tuple[int, np.uint64, int]:
    """Distinct parties among accounts, where one organisation is one party.

    Returns (parties, the organisation with most accounts or 0, how many accounts are in it). `orgs`
    are uint64, 0 none; one an account.
    """
    ordered = np.sort(orgs)
    count = 0
    best = np.uint64(0)
    most = 0
    i = 0
    while i < ordered.size:
        j = i
        while j < ordered.size and ordered[j] == ordered[i]:
            j += 1
        if ordered[i] == np.uint64(0):
            count += j - i
        else:
            count += 1
            if j - i > most:
                most = j - i
                best = ordered[i]
        i = j
    return count, best, most


@kernel
def forget_shared(state: NetworkState, rows: np.ndarray, names: np.ndarray) -> None:
    """Give up shared keys (int64 rows) and their members; pack the names into `names`; index anew."""
    for row in rows:
        shared = state.shared[row]
        release_members(state, row)
        state.by_kind[shared.kind] -= 1
        give_row(state.free, state.scalars, ks.SHARED_FREE, row)
        shared.used = 0
        shared.name_len = 0
    state.slots[:] = 0
    for row in range(state.scalars[ks.SHARED]):
        if state.shared[row].used == 1:
            index_shared(state, row)
    shared = state.shared[: state.scalars[ks.SHARED]]
    end = pack(shared["name_at"], shared["name_len"], state.names, names, 0)
    state.scalars[ks.NAME_END] = end
