"""The rhythm of days and weeks: at what local hour, and on which weekdays, somebody is active."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from worlds.randomness import Floats, Ints
from worlds.vocabulary import COUNTRIES

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

OFFICE, EVENING, STUDENT, MACHINE, LOOSE, NIGHT, SPAN = range(7)


class Period(NamedTuple):
    """A stretch of time in ms since epoch, the end exclusive."""

    start: int
    end: int

    @property
    def days(self) -> float:
        """Give its length in days."""
        return (self.end - self.start) / DAY_MS


_HOURS = np.arange(24)


def _bump(centre: float, width: float) -> Floats:
    distance = np.abs(_HOURS - centre)
    distance = np.minimum(distance, 24 - distance)  # the day is a circle
    bump: Floats = np.exp(-0.5 * (distance / width) ** 2)
    return bump


def hour_curves() -> Floats:
    """Give the share of activity begun by the end of each local hour: (rhythm, 24), up to 1."""
    office = _bump(10.5, 2.2) + 0.9 * _bump(15.0, 2.4) + 0.12 * _bump(21.0, 2.0) + 0.01
    evening = _bump(20.0, 2.6) + 0.35 * _bump(13.0, 3.0) + 0.02
    student = _bump(15.0, 3.2) + 0.9 * _bump(22.0, 2.2) + 0.02
    machine = np.ones(24)
    loose = 0.6 * office / office.mean() + 0.7  # an operator's idea of looking human
    night = _bump(1.5, 2.6) + 0.01
    # SPAN has no curve: whatever part of the day lies within its span
    curves = np.cumsum(np.stack([office, evening, student, machine, loose, night, machine]), axis=1)
    result: Floats = curves / curves[:, -1:]
    return result


# rhythm by weekday from Monday: factor on the chance of being active at all
WEEKDAYS = (
    (1.15, 1.2, 1.2, 1.15, 1.0, 0.3, 0.28),
    (0.9, 0.9, 0.9, 0.95, 0.95, 1.2, 1.2),
    (1.1, 1.1, 1.1, 1.05, 0.8, 0.8, 1.0),
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.95, 0.95),
    (1.0, 1.05, 1.05, 1.05, 1.0, 0.6, 0.6),
    (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
)


def weekday(local_day: Ints) -> Ints:
    """Give the weekday (Monday 0) of days counted from 1970-01-01, which was a Thursday."""
    return (local_day + 3) % 7


@dataclass(frozen=True)
class Calendar:
    """What days are like in each country: (country, day) from the day before the period begins.

    `offset` is what local time is ahead of UTC, in ms; `volume` multiplies what people do. Pieces
    of a world may change both: a holiday, the end of summer time.
    """

    first_day: int  # days since 1970-01-01
    offset: Ints
    volume: Floats

    def column(self, time_ms: int) -> int:
        """Give the column of the UTC day of `time_ms`, kept within the calendar."""
        return min(max(time_ms // DAY_MS - self.first_day, 0), self.offset.shape[1] - 1)


def calendar(period: Period) -> Calendar:
    """Give the calendar of a period in which nothing special happens."""
    first = period.start // DAY_MS - 1
    days = period.end // DAY_MS + 2 - first
    offset = np.array([c.offset_minutes for c in COUNTRIES], dtype=np.int64) * MINUTE_MS
    return Calendar(
        first, np.repeat(offset[:, None], days, axis=1), np.ones((len(COUNTRIES), days))
    )
