"""What each property may hold, spelt out for values that a JSON parser gave.

Rules beyond the contract's own:

- An integer may be written 1.0 (JSON Schema counts it as one) up to 2^53, where doubles stay exact.
- schema_version: another integer than 1 rejects the record, for in another version the same names
  may mean other things; a value that is no integer says nothing, and is not known.
- cost_usd is rounded to micro-dollars half to even; a cost that then exceeds 64 bits is not known.
"""

from __future__ import annotations

import re
from typing import Any

from detectors.contract.request_event import (
    CHOICE,
    COUNTRY,
    EARLIEST_MS,
    FLAG,
    INDEX,
    INFINITE,
    LATEST_MS,
    MICRO,
    MONEY,
    REAL,
    TEMPLATE,
    TEXT,
    Property,
)
from detectors.decode.rejects import (
    MISSING_PROPERTY,
    OUT_OF_RANGE,
    WRONG_TYPE,
    WRONG_VERSION,
    Refusal,
)

_EXACT = 2**53
_OR_NULL = "; where usage is not known give null"
_UNITS = {"seconds": 1000.0, "microseconds": 1e-3, "nanoseconds": 1e-6}  # ms in one of each
_HEX16 = re.compile(r"[0-9a-f]{16}").fullmatch
_LETTERS = re.compile(r"[A-Z]{2}").fullmatch
_VERSION = INDEX["schema_version"]


def version(event: dict[str, Any]) -> list[int]:
    """Refuse another version; the schema_version's index if it is given and says nothing, else none."""
    if "schema_version" not in event:
        return []
    found = _whole(event["schema_version"])
    if found is None:
        return [_VERSION]
    if found != 1:
        raise Refusal(WRONG_VERSION, "schema_version is not 1, the only version read here")
    return []


def _whole(value: Any) -> float | None:
    """An integer as JSON Schema has it, or None; a float where it is too large to be exact."""
    if type(value) is int:
        return value
    if type(value) is float and (value.is_integer() or abs(value) == INFINITE):
        return int(value) if abs(value) < _EXACT else value
    return None


def demand(p: Property, event: dict[str, Any]) -> object:
    """A required property's value, None where it may be null and is; refuses what is not valid."""
    if p.name not in event:
        raise Refusal(MISSING_PROPERTY, f"{p.name} is required" + (_OR_NULL if p.nullable else ""))
    value = event[p.name]
    if value is None and p.nullable:
        return None
    if p.kind == TEXT:
        if type(value) is not str:
            raise Refusal(WRONG_TYPE, f"{p.name} must be a string")
        if not p.low <= len(value) <= p.high:
            raise Refusal(
                OUT_OF_RANGE, f"{p.name} must have {p.low:.0f} to {p.high:.0f} characters"
            )
        return value
    whole = _whole(value)
    if whole is None:
        raise Refusal(WRONG_TYPE, f"{p.name} must be an integer" + _of_what(p, value))
    if type(whole) is float or not p.low <= whole <= p.high:
        limits = f"{p.name} must be an integer from {int(p.low)} to {int(p.high)}"
        raise Refusal(OUT_OF_RANGE, limits + _of_what(p, whole))
    return whole


def _of_what(p: Property, value: Any) -> str:
    """What a time's number counts, and in which other unit this one would be a time."""
    if p.column != "event_time":
        return ""
    said = ": milliseconds since 1970 UTC, and not before 2010"
    if type(value) in (int, float):
        for unit, per_ms in _UNITS.items():
            if EARLIEST_MS <= value * per_ms <= LATEST_MS:
                return f"{said}; this one looks like {unit}"
    return said


def optional(p: Property, value: Any) -> object:
    """An optional property's value as its column holds it, or None where it is not valid."""
    kind = p.kind
    if kind <= TEMPLATE:
        if type(value) is not str or not p.low <= len(value) <= p.high:
            return None
        return value if kind == TEXT else _coded(p, value)
    if kind == FLAG:
        return int(value) if type(value) is bool else None
    if kind in (REAL, MONEY):
        if type(value) is not float and type(value) is not int:
            return None
        real = float(value)
        if not p.low <= real <= p.high or abs(real) == INFINITE:
            return None
        if kind == REAL:
            return real + 0.0  # -0.0 becomes 0.0
        return _micro(real)
    whole = _whole(value)
    return whole if type(whole) is int and p.low <= whole <= p.high else None


def _coded(p: Property, value: str) -> int | None:
    if p.kind == CHOICE:
        return p.choices.index(value) if value in p.choices else None
    if p.kind == COUNTRY:
        return (ord(value[0]) << 8) | ord(value[1]) if _LETTERS(value) else None
    return int(value, 16) if _HEX16(value) else None


def _micro(dollars: float) -> int | None:
    scaled = dollars * MICRO
    return round(scaled) if scaled < 2.0**63 else None
