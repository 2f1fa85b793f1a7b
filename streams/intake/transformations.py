"""The named transformations of mapping files: a gateway's value to a property's, None where it is none.

All are tolerant of how a value is written (numbers as text) and strict about what it says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from streams.intake import times

Transformation = Callable[[Any], Any]

# What a transformation gives, so that a mapping file that cannot work is told so when it is read.
TEXT, NUMBER, FLAG = "text", "a number", "true or false"

_DONE: Final = frozenset({"success", "succeeded", "ok", "completed", "default", "debug", "warning"})
_FAILED: Final = frozenset({"failure", "failed", "fail", "error", "exception", "critical", "fatal"})
_TRUE: Final = frozenset({"true", "1", "1.0", "yes", "t", "stream", "on"})
_FALSE: Final = frozenset({"false", "0", "0.0", "no", "f", "oneshot", "off"})
_MODEL_IN_PATH = re.compile(r"/(?:models?|deployments)/([\w.@%-]+)")
_ERROR_IN_TEXT = re.compile(r"[A-Za-z][\w.,:-]*\Z").match
ANSWERED, BROKEN = 200, 500  # what a gateway means that says success or failure and no number


def text(value: Any) -> str | None:
    """Text as it is, without blanks around it; a number as its digits."""
    kind = value.__class__
    if kind is str:
        return str(value.strip())
    if kind is int:
        return str(value)
    if kind is float and value.is_integer():
        return str(int(value))
    if kind is list and value and value[0].__class__ is str:  # a header that was sent twice
        return str(value[0].strip())
    return None


def whole(value: Any) -> int | None:
    """A whole number, or its text."""
    if value.__class__ is int:
        return int(value)
    found = times.number(value)
    if found is None or found != int(found):
        return None
    return int(found)


def real(value: Any) -> float | None:
    """A number, or its text."""
    return times.number(value)


def cents(value: Any) -> float | None:
    """A hundredth."""
    found = times.number(value)
    return None if found is None else found / 100


def flag(value: Any) -> bool | None:
    """True or false, or a word or number for it."""
    if value.__class__ is bool:
        return bool(value)
    said = str(value).strip().lower()
    return True if said in _TRUE else False if said in _FALSE else None


def count(value: Any) -> int | None:
    """How many entries a list or an object has; a number stays."""
    return len(value) if value.__class__ in (list, dict) else whole(value)


def status(value: Any) -> int | None:
    """An HTTP status, or 200 and 500 for words that say success and failure."""
    found = whole(value)
    if found is not None:
        return found if 100 <= found <= 599 else None
    said = str(value).strip().lower()
    return ANSWERED if said in _DONE else BROKEN if said in _FAILED else None


def success(value: Any) -> int | None:
    """200 or 500 for true and false, and words and numbers for them."""
    said = flag(value)
    return None if said is None else ANSWERED if said else BROKEN


def error_class(value: Any) -> str | None:
    """The name of a kind of error: one word of letters, digits and `_ . , : -`; never a sentence."""
    said = text(value)
    return said if said and _ERROR_IN_TEXT(said) else None


def model_in_path(value: Any) -> str | None:
    """The model that a URL's path names: `/deployments/large-5/chat/completions`, `/models/m:generate`."""
    found = _MODEL_IN_PATH.search(value) if value.__class__ is str else None
    return found[1] if found else None


def usage_input(value: Any) -> int | None:
    """Input tokens of an object of counts by category, some of which may be parts of `input`."""
    return _of_categories(value, "input", "prompt")


def usage_output(value: Any) -> int | None:
    """Output tokens of such an object."""
    return _of_categories(value, "output", "completion")


def _of_categories(value: Any, name: str, other: str) -> int | None:
    if value.__class__ is not dict:
        return None
    counts = {key: n for key, given in value.items() if (n := whole(given)) is not None}
    main = next((key for key in (name, f"{name}_tokens", f"{other}_tokens") if key in counts), None)
    total = counts.get("total", counts.get("total_tokens"))
    parts = {k: n for k, n in counts.items() if k not in ("total", "total_tokens")}
    if main is not None and (total is None or total != sum(parts.values())):
        return counts[main]
    # The total is the sum of all: categories are disjoint, so a side is the sum of its own.
    ours = [n for key, n in parts.items() if (_side(key) == "input") == (name == "input")]
    return sum(ours) if ours else None


def _side(category: str) -> str:
    side = ("output" in category, "completion" in category, "reasoning" in category)
    return "output" if any(side) else "input"


# By the name that a mapping file gives with `as`: what it makes, and what it gives.
TRANSFORMATIONS: Final[Mapping[str, tuple[Transformation, str]]] = MappingProxyType(
    {
        "text": (text, TEXT),
        "int": (whole, NUMBER),
        "number": (real, NUMBER),
        "bool": (flag, FLAG),
        "count": (count, NUMBER),
        "cents": (cents, NUMBER),
        "seconds": (times.seconds, NUMBER),
        "milliseconds": (times.milliseconds, NUMBER),
        "microseconds": (times.microseconds, NUMBER),
        "nanoseconds": (times.nanoseconds, NUMBER),
        "iso_time": (times.iso_time, NUMBER),
        "log_time": (times.log_time, NUMBER),
        "time": (times.time, NUMBER),
        "status": (status, NUMBER),
        "success": (success, NUMBER),
        "error_class": (error_class, TEXT),
        "model_in_path": (model_in_path, TEXT),
        "usage_input": (usage_input, NUMBER),
        "usage_output": (usage_output, NUMBER),
    }
)
