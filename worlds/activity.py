"""Who sends when: active days of an account, sessions of the day, requests of the session."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.accounts import Accounts
from worlds.clock import DAY_MS, MINUTE_MS, WEEKDAYS, Period, draw_time_of_day, weekday
from worlds.randomness import Bools, Ints
from worlds.vocabulary import COUNTRIES

MOST_PER_DAY = 2_000  # a provider's rate limit ends the heavy tail somewhere
THINK_MEDIAN_MS = 40_000
THINK_SPREAD = 1.0


@dataclass(frozen=True)
class Activity:
    """Requests as (account, session, turn, time in ms); sessions are numbered world-wide."""

    account: Ints
    session: Ints
    turn: Ints
    time: Ints
    session_account: Ints


def activity(rng: np.random.Generator, table: Accounts, period: Period) -> Activity:
    """Draw every request's moment within `period`, and not before its account starts."""
    account, midnight, requests = _active_days(rng, table, period)

    # sessions of each active day, then each request put into one of its day's sessions
    sessions = 1 + rng.poisson(requests / table.turns[account])
    first_session = np.cumsum(sessions) - sessions
    session_day = np.repeat(np.arange(len(account)), sessions)
    session_account = account[session_day]
    begins = midnight[session_day] + draw_time_of_day(rng, table.rhythm[session_account])
    of_day = np.repeat(np.arange(len(account)), requests)
    session = first_session[of_day] + rng.integers(0, sessions[of_day])
    session.sort()

    opening = _is_first(session)
    think = rng.lognormal(np.log(THINK_MEDIAN_MS), THINK_SPREAD, len(session)).astype(np.int64)
    think[opening] = 0
    elapsed = np.cumsum(think)
    starts_at = np.flatnonzero(opening)
    lengths = np.diff(starts_at, append=len(session))
    elapsed -= np.repeat(elapsed[starts_at], lengths)
    turn = np.arange(len(session)) - np.repeat(starts_at, lengths)

    who = session_account[session]
    time = begins[session] + elapsed
    kept = (time >= period.start) & (time < period.end) & (time >= table.starts[who])
    return Activity(who[kept], session[kept], turn[kept], time[kept], session_account)


def _active_days(
    rng: np.random.Generator, table: Accounts, period: Period
) -> tuple[Ints, Ints, Ints]:
    """Give account, local midnight (UTC ms) and number of requests of every active account-day."""
    days = np.arange(period.start // DAY_MS - 1, period.end // DAY_MS + 2)
    rhythm = np.array(WEEKDAYS)[:, weekday(days)]
    offsets = np.array([c.offset_minutes for c in COUNTRIES], dtype=np.int64) * MINUTE_MS
    midnight = days[None, :] * DAY_MS - offsets[table.country][:, None]
    chance = table.active_share[:, None] * rhythm[table.rhythm]
    birthday = (midnight <= table.created[:, None]) & (table.created[:, None] < midnight + DAY_MS)
    active = (rng.random(chance.shape) < chance) | birthday
    active &= (midnight + DAY_MS > table.starts[:, None]) & (midnight < period.end)
    account, day = np.nonzero(active)
    size = rng.lognormal(table.daily_log[account], table.daily_spread[account])
    # rounding a small volume at random keeps its mean
    requests = np.clip(np.floor(size + rng.random(len(size))), 1, MOST_PER_DAY).astype(np.int64)
    return account, midnight[account, day], requests


def _is_first(values: Ints) -> Bools:
    first = np.ones(len(values), dtype=np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first
