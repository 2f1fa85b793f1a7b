"""Event time: milliseconds since the epoch, counted in UTC, and ticks of one minute.

Tick `t` covers the minute from `t * MINUTE_MS` on; an hour or a day ends with the tick after which
`(t + 1)` is a multiple of `HOUR_TICKS` or `DAY_TICKS`.
"""

from __future__ import annotations

NO_TIME = -(1 << 62)  # before every time and every tick; `-NO_TIME` is behind every one

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS

HOUR_TICKS = 60
DAY_TICKS = 24 * HOUR_TICKS
