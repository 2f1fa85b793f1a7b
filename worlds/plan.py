"""Who sends when: the sessions and requests of every actor on one local day."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS, SPAN, WEEKDAYS, Calendar, Period, hour_curves
from worlds.kernel import draw, kernel, mix, normal, pick, unit
from worlds.randomness import Words
from worlds.vocabulary import RETRIED_FROM

# A request before anything but its moment is known; `key` is unique and all its chance.
PLANNED = np.dtype(
    [
        ("actor", np.int32),
        ("turn", np.int32),
        ("time", np.int64),
        ("ingest", np.int64),
        ("key", np.uint64),
        ("session", np.uint64),
        ("status", np.int64),
        ("again", np.bool_),  # a second copy
    ],
    align=True,
)
Planned = npt.NDArray[np.void]

_CURVES = hour_curves()
_WEEKDAYS = np.array(WEEKDAYS)
_FAILURES = np.array([0.2, 0.7, 0.85, 1.0])  # by kind of failure, rising
_RETRIED = 0.7
_RETRY_FROM_MS, _RETRY_WITHIN_MS = 1_000, 20_000
_HANDOVER_WITHIN_MS = 3_000


def day_plan(actors: Actors, day: int, calendar: Calendar, period: Period) -> Planned:
    """Plan all sessions that begin on local day `day` (days since 1970-01-01), in any order.

    Requests outside `period` or their actor's span are left out. Ingest times are not set yet.
    """
    column = day - calendar.first_day
    offset, volume = calendar.offset[:, column].copy(), calendar.volume[:, column].copy()
    weekday = _WEEKDAYS[:, (day + 3) % 7].copy()  # 1970-01-01 was a Thursday
    counts = np.zeros(len(actors), dtype=np.int64)
    _count(actors, day, offset, volume, weekday, counts)
    planned = np.zeros(int(counts.sum()), dtype=PLANNED)
    filled = _fill(actors, day, offset, counts, period.start, period.end, planned)
    planned = planned[:filled]
    return np.concatenate([planned, _retries(actors, planned, period)])


@kernel
def _count(
    actors: Any, day: int, offset: Any, volume: Any, weekday: Any, counts: Any
) -> None:  # pragma: no cover (compiled)
    for i in range(len(actors)):
        a = actors[i]
        midnight = day * DAY_MS - offset[a.country]
        if a.ends <= midnight or a.starts >= midnight + DAY_MS:
            continue
        key = mix(a.uid ^ mix(np.uint64(day)))
        born = midnight <= a.created < midnight + DAY_MS
        if not born and unit(draw(key, 1)) >= a.active * weekday[a.rhythm]:
            continue
        growth = a.ramp * max(0.0, (midnight - a.starts) / DAY_MS)
        size = volume[a.country] * np.exp(
            a.daily_log + growth + a.daily_spread * normal(draw(key, 2))
        )
        if a.rhythm == SPAN:  # a rate: so much of it as falls on the day
            size *= (min(midnight + DAY_MS, a.ends) - max(midnight, a.starts)) / DAY_MS
            counts[i] = min(int(size + unit(draw(key, 3))), a.most)
            continue
        # rounding a small volume at random keeps its mean
        counts[i] = min(max(1, int(size + unit(draw(key, 3)))), a.most)


@kernel
def _fill(
    actors: Any, day: int, offset: Any, counts: Any, start: int, end: int, planned: Any
) -> int:  # pragma: no cover (compiled)
    row = 0
    for i in range(len(actors)):
        count = counts[i]
        if count == 0:
            continue
        a = actors[i]
        midnight = day * DAY_MS - offset[a.country]
        first, last = max(a.starts, start), min(a.ends, end)
        key = mix(a.uid ^ mix(np.uint64(day)))
        sessions = min(count, 1 + int(count / a.turns + unit(draw(key, 4))))
        left = count
        number = 0
        for s in range(sessions):
            own = draw(key, 16 + s)
            size = left
            if s < sessions - 1:
                even = left / (sessions - s)
                size = min(left, int(even * (0.3 + 1.4 * unit(draw(own, 1))) + unit(draw(own, 2))))
            left -= size
            if a.rhythm == SPAN:
                low, high = max(midnight, a.starts), min(midnight + DAY_MS, a.ends)
                time = low + int(unit(draw(own, 3)) * (high - low))
            else:
                hour = pick(_CURVES[a.rhythm], unit(draw(own, 3)))
                time = midnight + hour * HOUR_MS + int(unit(draw(own, 4)) * HOUR_MS)
            if a.beat_every > 0:
                slot = time // a.beat_every
                phase = mix(a.beat) if a.beat_regular else mix(a.beat + np.uint64(slot))
                beat = slot * a.beat_every + int(phase % np.uint64(a.beat_every))
                # never earlier than drawn: what has been handed out stays as it is
                time = beat + (a.beat_every if beat < time else 0)
                time += int(unit(draw(own, 5)) * a.beat_jitter)
            for turn in range(size):
                if turn > 0:
                    think = a.think_log + a.think_spread * normal(draw(own, 32 + turn))
                    time += 1 + int(np.exp(think))
                number += 1
                if time < first or time >= last:
                    continue
                event = draw(key ^ np.uint64(0x5851F42D4C957F2D), number)
                planned[row].actor = i
                planned[row].turn = turn
                planned[row].time = time
                planned[row].key = event
                planned[row].session = own
                if unit(draw(event, 1)) < a.error_share:
                    planned[row].status = 1 + pick(_FAILURES, unit(draw(event, 2)))
                row += 1
    return row


def _retries(actors: Actors, planned: Planned, period: Period) -> Planned:
    """Most refused requests are sent again: by the same account, or by another one of its pool."""
    again = planned[planned["status"] >= RETRIED_FROM]
    again = again[units(again["key"], 3) < _RETRIED].copy()
    pool = actors["pool"][again["actor"]]
    wait = _RETRY_FROM_MS + units(again["key"], 4) * np.where(
        pool > 0, _HANDOVER_WITHIN_MS, _RETRY_WITHIN_MS
    )
    mate = actors["pool_first"][again["actor"]] + (units(again["key"], 5) * pool).astype(np.int64)
    again["actor"] = np.where(pool > 0, mate, again["actor"])
    again["session"] = np.where(pool > 0, words(again["key"], 6), again["session"])
    again["key"] = words(again["key"], 7)
    again["time"] += wait.astype(np.int64)
    again["turn"] += 1
    again["status"] = 0
    own = actors[again["actor"]]
    inside = (again["time"] >= own["starts"]) & (
        again["time"] < np.minimum(own["ends"], period.end)
    )
    return again[inside]


def words(keys: Words, number: int) -> Words:
    """Give the `number`-th word of every key; as `draw` does, for columns."""
    result = np.empty(len(keys), dtype=np.uint64)
    _words(np.ascontiguousarray(keys), number, result)
    return result


def units(keys: Words, number: int) -> npt.NDArray[np.float64]:
    """Give the `number`-th word of every key as a number in [0, 1)."""
    return (words(keys, number) >> np.uint64(11)).astype(np.float64) / (1 << 53)


@kernel
def _words(keys: Any, number: int, result: Any) -> None:  # pragma: no cover (compiled)
    for i in range(len(keys)):
        result[i] = draw(keys[i], number)
