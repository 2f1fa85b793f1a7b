"""Times and durations as gateways write them, in whole milliseconds; what is finer is cut off.

A time without a zone is UTC. None where a value is no time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import floor
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
# A double of seconds is 2.4e-7 s coarse: 1777026031.123 must not become .122.
_COARSE: Final = 5e-4
_LONGEST: Final = 64  # characters of a time
_ZONE_NAME = re.compile(r"(?:\s*(?:UTC|GMT))+$", re.IGNORECASE)
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d)")
_COMMON_LOG = "%d/%b/%Y:%H:%M:%S %z"


def number(value: Any) -> int | float | None:
    """A finite number, from a number or its text."""
    kind = value.__class__
    if kind is int:
        return int(value)
    if kind is str:
        if len(value) > _LONGEST:
            return None
        try:
            return int(value)
        except ValueError:
            pass
        try:
            value = float(value)
        except ValueError:
            return None
        kind = float
    if kind is float and value - value == 0:  # neither infinite nor NaN
        return float(value)
    return None


def _scaled(value: Any, numerator: int, denominator: int) -> int | None:
    found = number(value)
    if found is None:
        return None
    if found.__class__ is int:
        return int(found) * numerator // denominator
    return floor(found * numerator / denominator + _COARSE)


def seconds(value: Any) -> int | None:
    """Seconds, since 1970 or of a duration."""
    if value.__class__ is float and -1e11 < value < 1e11:
        return floor(value * 1000 + _COARSE)
    return _scaled(value, 1000, 1)


def milliseconds(value: Any) -> int | None:
    """Milliseconds, since 1970 or of a duration."""
    return _scaled(value, 1, 1)


def microseconds(value: Any) -> int | None:
    """Microseconds, since 1970 or of a duration."""
    return _scaled(value, 1, 1000)


def nanoseconds(value: Any) -> int | None:
    """Nanoseconds, since 1970 or of a duration."""
    return _scaled(value, 1, 1_000_000)


def iso_time(value: Any) -> int | None:
    """ISO 8601 with T or a blank, any number of fractional digits, `Z`, an offset, `UTC` or no zone."""
    if value.__class__ is not str or not 10 <= len(value) <= _LONGEST:
        return None
    try:
        return since_epoch(datetime.fromisoformat(value))
    except ValueError:
        pass
    text = _ZONE_NAME.sub("", value.strip().upper())
    try:
        return since_epoch(datetime.fromisoformat(_SPACED_OFFSET.sub("", text)))
    except (ValueError, OverflowError):
        return None


def log_time(value: Any) -> int | None:
    """The common log format's time (`01/May/2026:12:00:00 +0000`), or a mail's or HTTP header's date."""
    if value.__class__ is not str or len(value) > _LONGEST:
        return None
    text = value.strip().strip("[]")
    try:
        return since_epoch(datetime.strptime(text, _COMMON_LOG))  # noqa: DTZ007  # has %z
    except ValueError:
        pass
    try:
        return since_epoch(parsedate_to_datetime(text))
    except (ValueError, TypeError, OverflowError):
        return None


def time(value: Any) -> int | None:
    """A time in any of these forms; a number's size says what it counts."""
    if value.__class__ is float and -1e11 < value < 1e11:  # what most of them are
        return floor(value * 1000 + _COARSE)
    found = number(value)
    if found is None:
        made = iso_time(value)
        return log_time(value) if made is None else made
    size = abs(found)
    if size < 1e11:
        return seconds(found)
    if size < 1e14:
        return milliseconds(found)
    return microseconds(found) if size < 1e17 else nanoseconds(found)


def since_epoch(moment: datetime) -> int:
    """Milliseconds since 1970 of a time; one without a zone is UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MS
