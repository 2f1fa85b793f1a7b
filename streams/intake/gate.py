"""The privacy gate: what of a record may go on. A property of the contract, valid by it, and nothing else.

A value that is no property's is never looked at. Of the few properties that are no digest, no number and no
enumeration, each has a form that a sentence, a mail address or a token does not have.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from detectors.contract import request_event as contract

# Whether a value is valid; it is of the type that the property's transformation gives.
Check = Callable[[Any], bool]

_MAIL: Final = r"[^\s@/]+@[^\s@/]+\.[A-Za-z]"
_SECRET: Final = r"\bbearer\b|\bbasic\s|\b[srp]k-|\beyJ"
_SECRETS: Final = ("sk-", "pk-", "rk-", "eyJ", "Bearer", "bearer")
CACHED: Final = 1024  # names: the same few come again and again
_no_name = re.compile(f"{_MAIL}|{_SECRET}", re.IGNORECASE).search
_model = re.compile(r"[\w.:/@+,()\[\]=~#-]+", re.ASCII).fullmatch
_address = re.compile(r"(?<![\d.])(\d{1,3}\.){3}\d{1,3}(?![\d.])|([0-9a-fA-F]{0,4}:){3}").search
_plain_id = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_event_id = re.compile(r"[\w.:/+=~-]+", re.ASCII).fullmatch
_error = re.compile(r"[A-Za-z][\w.,:-]*", re.ASCII).fullmatch
_language = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?").fullmatch
_template = re.compile(r"[0-9a-f]{16}").fullmatch
_country = re.compile(r"[A-Z]{2}").fullmatch
_no_blank = re.compile(r"[!-~]+").fullmatch
_SKETCH_BYTES: Final = 32


@lru_cache(CACHED)
def model(value: str) -> bool:
    """Whether it can be a model's name, and nothing else; one that may say more is digested."""
    return _model(value) is not None and _no_name(value) is None and _address(value) is None


def event_id(value: str) -> bool:
    """Whether it can be a request's id as it is; one that may say more is digested."""
    if value.startswith(_SECRETS):
        return False
    # Nearly all are letters, digits and dashes, of which no address is made.
    return _plain_id(value) is not None or (
        _event_id(value) is not None and _address(value) is None
    )


@lru_cache(CACHED)
def _error_class(value: str) -> bool:
    return _error(value) is not None and _no_name(value) is None


def _sketch(value: str) -> bool:
    try:
        return len(b64decode(value, validate=True)) == _SKETCH_BYTES
    except (Error, ValueError):
        return False


_FORMS: Final[Mapping[str, Callable[[str], Any]]] = MappingProxyType(
    {
        "model": model,
        "event_id": event_id,
        "error_class": _error_class,
        "prompt_sketch": _sketch,
        "lang": _language,
    }
)


def _check(p: contract.Property) -> Check:
    """The contract's limits on a property as a function."""
    low, high, kind = p.low, p.high, p.kind
    if kind == contract.CHOICE:
        choices = frozenset(p.choices)
        return lambda value: value.__class__ is str and value in choices
    if kind == contract.COUNTRY:
        return lambda value: value.__class__ is str and _country(value) is not None
    if kind == contract.TEMPLATE:
        return lambda value: value.__class__ is str and _template(value) is not None
    if kind == contract.TEXT:
        form = _FORMS.get(p.name, _no_blank)
        return lambda value: (
            value.__class__ is str and low <= len(value) <= high and bool(form(value))
        )
    if kind == contract.FLAG:
        return lambda value: value.__class__ is bool
    if kind in (contract.REAL, contract.MONEY):
        high = min(high, contract.INT64_MAX / contract.MICRO if kind == contract.MONEY else 1e300)
        low = max(low, -1e300)
        return lambda value: value.__class__ in (int, float) and low <= value <= high
    return lambda value: value.__class__ is int and low <= value <= high


CHECKS: Final[Mapping[str, Check]] = MappingProxyType(
    {p.name: _check(p) for p in contract.PROPERTIES}
)
