"""An hour or a day closes: trailing sums, profiles, the volume score, and what is learned from it."""

from __future__ import annotations

import math

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_minute import KeySums, release, sum_row
from detectors.accounts.state import AccountState
from detectors.accounts.windows import clear, merge
from detectors.interface.clock import DAY_TICKS, HOUR_TICKS
from detectors.interface.columns import Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.pool import give_row
from detectors.volume import VolumeParams, learn, score

COHORTS = 256
MICRO = 1_000_000
PROFILE_SCALE = 20  # steps of 5 %; a byte reaches 340,000 requests
PROFILE_SHARE = 8  # a profile moves an eighth of the way to each new value
LOAD_SLICE = 20_000  # accounts whose loads are summed before they are handed over

# What an account finding is made of, before names and units.
FOUND = np.dtype(
    [
        ("deviation", "<f8"),
        ("spread", "<f8"),
        ("surprise", "<f8"),
        ("expected", "<f8"),
        ("requests", "<i8"),
        ("output", "<i8"),
        ("cost", "<i8"),
        ("account", "<i4"),
        ("windows", "<i4"),
    ]
)

# An account for which the detector raised, and the log volume that it was given.
FAILED = np.dtype([("volume", "<f8"), ("account", "<i4"), ("spare", "<i4")])


@kernel
def trailing_day(account: Row, hour: int, requests: int) -> int:
    """Move an account's 24-hour ring to `hour`, put the hour in, and return the day's sum."""
    gap = hour - account.last_hour
    if gap >= 24 or gap < 0:
        for i in range(24):
            account.ring[i] = 0
    else:
        for step in range(1, gap):
            account.ring[(account.last_hour + step) % 24] = 0
    account.ring[hour % 24] = min(requests, 65535)
    account.last_hour = hour
    total = 0
    for i in range(24):
        total += account.ring[i]
    return total


@inlined
def toward(profile: np.ndarray, at: int, requests: int) -> None:
    """Move a profile cell towards ln(1 + requests); a cell never set takes the value whole."""
    value = np.int64(math.log1p(requests) * PROFILE_SCALE + 0.5)
    cell = np.int64(profile[at])
    if cell == 0:
        cell = value
    elif value > cell:  # away from zero, or a small difference would never be learned
        cell += (value - cell + PROFILE_SHARE - 1) // PROFILE_SHARE
    else:
        cell -= (cell - value + PROFILE_SHARE - 1) // PROFILE_SHARE
    profile[at] = min(cell, 255)


@inlined
def hour_of_week(hour: int) -> int:
    """Place of an hour since the epoch in an account's profile: working days first, then weekends."""
    weekday = (hour // 24 + 3) % 7  # day 0 of the epoch was a Thursday
    return hour % 24 + (24 if weekday >= 5 else 0)


@kernel
def close_hour(
    state: AccountState,
    tick: int,
    params: VolumeParams,
    min_requests: int,
    newcomer_requests: int,
    min_surprise: float,
    found: np.ndarray,
    shifts: np.ndarray,
    failed: np.ndarray,
    learning: bool,
) -> tuple[int, int]:
    """Close every open hour that ends with `tick`.

    Returns (accounts found odd, accounts whose score raised). The latter are counted like all, but
    not judged; the first of them are in `failed`. Profiles learn if `learning`.
    `shifts` (COHORTS x 3) receives each cohort's count, sum and squares of deviations in 1e-6.
    """
    hour = tick // HOUR_TICKS
    count = 0
    failures = 0
    for at in range(state.scalars[st.HOUR_TOP]):
        window = state.hours[at]
        if window.requests == 0:
            continue
        row = window.account
        account = state.accounts[row]
        total = trailing_day(account, hour, window.requests)
        if learning:
            toward(account.hour_profile, hour_of_week(hour), window.requests)
        merge(state.days[row], window)
        day = state.days[row]
        y = math.log1p(total)
        deviation, spread, surprise, judged = y, 0.0, math.nan, True
        try:
            deviation, spread, surprise = score(
                float(account.mean), float(account.variance), int(account.days), y, params
            )
        except Exception:
            judged = False
        if not judged:
            if failures < failed.size:
                failed[failures].account = row
                failed[failures].volume = y
            failures += 1
        elif not math.isnan(surprise):
            shift = np.int64(round(deviation * MICRO))
            shifts[account.cohort, 0] += 1
            shifts[account.cohort, 1] += shift
            shifts[account.cohort, 2] += np.int64(round(deviation * deviation * MICRO))
        if not judged:
            odd = False
        elif math.isnan(surprise):
            odd = total >= newcomer_requests
        else:
            odd = total >= min_requests and surprise >= min_surprise
        if odd and count < found.size:
            entry = found[count]
            entry.account = row
            entry.windows = 0 if math.isnan(surprise) else account.days
            entry.deviation = y if math.isnan(surprise) else deviation
            entry.spread = 0.0 if math.isnan(surprise) else spread
            entry.surprise = 0.0 if math.isnan(surprise) else surprise
            entry.expected = 0.0 if math.isnan(surprise) else math.expm1(account.mean)
            entry.requests = total
            entry.output = day.output
            entry.cost = day.cost
            count += 1
        clear(state.hours, at)
        account.hour_row = -1
        give_row(state.hour_free, state.scalars, st.HOUR_FREE, at)
    return count, failures


@kernel
def close_day(
    state: AccountState,
    tick: int,
    start: int,
    stop: int,
    params: VolumeParams,
    levels: np.ndarray,
    scratch: KeySums,
    failed: np.ndarray,
    learning: bool,
) -> tuple[int, int, int]:
    """Close the day of account rows start:stop.

    Returns (keys with a load, days closed, accounts for which learning raised). The latter's baselines
    stay as they were; the first of them are in `failed`. Baselines and profiles learn if `learning`.
    `levels` (COHORTS x 3) receives each cohort's count, sum and squares of log volume in 1e-6.
    """
    weekday = (tick // DAY_TICKS + 3) % 7  # day 0 of the epoch was a Thursday
    used = 0
    closed = 0
    failures = 0
    for row in range(start, stop):
        window = state.days[row]
        requests = np.int64(window.requests)
        if requests == 0:
            continue
        closed += 1
        account = state.accounts[row]
        y = math.log1p(requests)
        levels[account.cohort, 0] += 1
        levels[account.cohort, 1] += np.int64(round(y * MICRO))
        levels[account.cohort, 2] += np.int64(round(y * y * MICRO))
        if learning:
            mean, variance, days = float(account.mean), float(account.variance), int(account.days)
            learned = True
            try:
                mean, variance, days = learn(mean, variance, days, y, params)
            except Exception:
                learned = False
            if learned:
                account.mean = mean
                account.variance = variance
                account.days = min(days, 65535)
            else:
                if failures < failed.size:
                    failed[failures].account = row
                    failed[failures].volume = y
                failures += 1
            toward(account.weekday_profile, weekday, requests)
        for kind in range(ACCOUNT_KINDS):
            key = account.keys[kind]
            if key == np.uint64(0):
                continue
            at = sum_row(scratch, used, kind, key)
            load = scratch.loads[at]
            if at == used:
                used += 1
                scratch.sums[at].key = key
                scratch.sums[at].kind = kind
                load.key = key
                load.kind = kind
                load.accounts = 0
                load.requests = 0
                load.squares = 0
            load.accounts += 1
            load.requests += requests
            load.squares += requests * requests
        clear(state.days, row)
    release(scratch, used)
    return used, closed, failures
