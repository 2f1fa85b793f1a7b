"""An hour or a day closes: an hour goes into its day, a day into what its values are loaded with."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_minute import KeySums, find_rows, release
from detectors.accounts.layout import NO_WINDOW
from detectors.accounts.state import AccountState
from detectors.accounts.windows import merge
from detectors.interface.clock import HOUR_TICKS
from detectors.interface.columns import Row
from detectors.kernels.compiled import kernel
from detectors.kernels.counts import empty
from detectors.kernels.pool import give_row

LOAD_SLICE = 20_000  # accounts whose loads are summed before they are handed over
MOST_DAYS = 65_535  # what an account's row can count


@kernel
def trailing_day(account: Row, hour: int, requests: int) -> int:
    """Move an account's 24-hour ring to `hour`, put the hour in, and return the day's sum.

    `account` is a row of ACCOUNT.
    """
    gap = hour - account.last_hour
    if gap >= 24 or gap < 0:
        empty(account.ring)
    else:
        for step in range(1, gap):
            account.ring[(account.last_hour + step) % 24] = 0
    account.ring[hour % 24] = min(requests, 65535)
    account.last_hour = hour
    total = 0
    for i in range(24):
        total += account.ring[i]
    return total


@kernel
def close_hours(
    state: AccountState, tick: int, at: np.ndarray, rows: np.ndarray, trailing: np.ndarray
) -> int:
    """Add every open hour that ends with `tick` to its account's day; returns how many.

    `at` receives their rows in `state.hours`, `rows` their accounts', `trailing` the requests of the
    24 hours up to now: int64 each, as long as there are hours. The hours themselves stay until
    `free_hours`.
    """
    hour = tick // HOUR_TICKS
    count = 0
    for place in range(state.scalars[st.HOUR_TOP]):
        window = state.hours[place]
        if window.requests == 0:
            continue
        row = window.account
        at[count] = place
        rows[count] = row
        trailing[count] = trailing_day(state.accounts[row], hour, window.requests)
        merge(state.days[row], window)
        count += 1
    return count


@kernel
def free_hours(state: AccountState, at: np.ndarray) -> None:
    """Empty closed hours, and give their rows (int64, n) back."""
    for place in at:
        state.accounts[state.hours[place].account].hour_row = -1
        state.hours[place] = NO_WINDOW[0]
        give_row(state.hour_free, state.scalars, st.HOUR_FREE, place)


@kernel
def close_days(state: AccountState, rows: np.ndarray, scratch: KeySums, whole: bool) -> int:
    """Close the open days of the accounts in `rows` (int64, n); returns how many keys have a load.

    The loads are in `scratch`. A day that is `whole` counts among the account's active days.
    """
    used = 0
    for row in rows:
        account = state.accounts[row]
        requests = np.int64(state.days[row].requests)
        if whole:
            account.days = min(np.int64(account.days) + 1, MOST_DAYS)
        count, used = find_rows(scratch, used, account.keys)
        for at in scratch.found[:count]:
            load = scratch.loads[at]
            load.accounts += 1
            load.requests += requests
            load.squares += requests * requests
        state.days[row] = NO_WINDOW[0]
    release(scratch, used)
    return used
