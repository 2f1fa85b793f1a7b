"""The arithmetic of an account's volume: its baseline, how far a day lies from it, and what is learned.

Logs of requests a day, in an exponentially weighted mean and variance over active days. For one
account as functions, and for columns of many as kernels.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from detectors.interface.surprise import student_surprise
from detectors.interface.weighted_past import MOST
from detectors.kernels.compiled import kernel

# An account's baseline: mean and variance of ln(1 + requests a day), over so many active days.
BASELINE = np.dtype([("mean", "<f4"), ("variance", "<f4"), ("days", "<u2")], align=True)


class VolumeParams(NamedTuple):
    """`AccountVolume`'s thresholds as plain floats, for compiled code."""

    fade: float  # weight of the newest day once the past is long
    min_days: float
    prior_spread: float
    prior_days: float
    min_spread: float
    tail_df: float
    clip: float


@njit(cache=True)
def overlap(days: int, fade: float) -> float:
    """Sum of squared weights of the days in the baseline: 1 / (how many equal days it is worth)."""
    if days < 1:
        return 1.0
    keep = (1.0 - fade) ** days
    return fade * (1.0 + keep) / ((2.0 - fade) * (1.0 - keep)) if keep < 1.0 else 1.0


@njit(cache=True)
def spread_of(variance: float, days: int, params: VolumeParams) -> float:
    """Standard deviation to expect of the next day's log volume, given a baseline of `days`."""
    worth = 1.0 / overlap(days, params.fade)
    squares = params.prior_days * params.prior_spread**2 + worth * max(variance, 0.0)
    pooled = squares / (params.prior_days + max(worth - 1.0, 0.0))
    return math.sqrt(max(pooled, params.min_spread**2) * (1.0 + 1.0 / worth))


@njit(cache=True)
def score(
    mean: float, variance: float, days: int, y: float, params: VolumeParams
) -> tuple[float, float, float]:
    """(deviation, spread, surprise) of log volume `y`; (y, 0, nan) while the past is too short."""
    if days < params.min_days:
        return y, 0.0, math.nan
    deviation = y - mean
    spread = spread_of(variance, days, params)
    return deviation, spread, student_surprise(deviation / spread, params.tail_df)


@njit(cache=True)
def clipped(mean: float, variance: float, days: int, y: float, params: VolumeParams) -> float:
    """The log volume to learn: an odd day counts as `clip` spreads from the mean, no further.

    One wild day then moves the baseline little, in either direction, while a lasting change widens
    the spread day by day and is learned within weeks.
    """
    if days < params.min_days:
        return y
    reach = params.clip * spread_of(variance, days, params)
    return min(max(y, mean - reach), mean + reach)


@njit(cache=True)
def learn(
    mean: float, variance: float, days: int, y: float, params: VolumeParams
) -> tuple[float, float, int]:
    """The baseline after a closed active day of log volume `y` (Finch 2009, equation 124 on).

    The weight of a new day is fade / (1 - (1 - fade)^n): an exponentially weighted mean without the
    undue weight that its first value otherwise keeps for weeks.
    """
    taken = clipped(mean, variance, days, y, params)
    count = days + 1
    step = params.fade / (1.0 - (1.0 - params.fade) ** count)
    difference = taken - mean
    moved = step * difference
    return mean + moved, (1.0 - step) * (variance + difference * moved), min(count, MOST)


@kernel
def score_rows(
    memory: np.ndarray,
    rows: np.ndarray,
    requests: np.ndarray,
    params: VolumeParams,
    deviation: np.ndarray,
    spread: np.ndarray,
    surprise: np.ndarray,
    failed: np.ndarray,
) -> None:
    """`score` of each account's requests (float64, n); `rows` (int64, n) are of `memory` (BASELINE).

    Fills deviation, spread and surprise (float64, n); `failed` (bool, n) is set where it raised. What
    is no finite number is passed over.
    """
    for i in range(rows.size):
        if not math.isfinite(requests[i]):
            continue
        past = memory[rows[i]]
        y = math.log1p(max(requests[i], 0.0))
        try:
            deviation[i], spread[i], surprise[i] = score(
                float(past.mean), float(past.variance), int(past.days), y, params
            )
        except Exception:
            failed[i] = True


@kernel
def learn_rows(
    memory: np.ndarray,
    rows: np.ndarray,
    requests: np.ndarray,
    params: VolumeParams,
    failed: np.ndarray,
) -> None:
    """`learn` of each account's closed day; a day without requests teaches nothing.

    `rows` (int64, n) are of `memory` (BASELINE); `requests` (float64, n) are nan where not known, `failed`
    (bool, n) receives where the arithmetic raised.
    """
    for i in range(rows.size):
        if not (math.isfinite(requests[i]) and requests[i] > 0.0):
            continue
        past = memory[rows[i]]
        mean, variance, days = float(past.mean), float(past.variance), int(past.days)
        learned = True
        try:
            mean, variance, days = learn(mean, variance, days, math.log1p(requests[i]), params)
        except Exception:
            learned = False
        if learned:
            past.mean = mean
            past.variance = variance
            past.days = days
        else:
            failed[i] = True
