"""What the platform tells the detector: control events, checked as their contract (version 1) says.

A bad event is a value (`RejectedControl`), never an exception: a stream goes on after it.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from detectors.contract.control_event import ControlEvent, ControlKind
from detectors.decode.rejects import (
    DECODER_FAILED,
    MISSING_PROPERTY,
    OUT_OF_RANGE,
    WRONG_TYPE,
    Refusal,
    failed,
)
from detectors.decode.slow import parse_object
from detectors.interface.family import Family

_KINDS: Final = ControlKind.__args__  # type: ignore[attr-defined]
_FAMILIES: Final = Family.__args__  # type: ignore[attr-defined]
_ACTIONS: Final = ("observe", "throttle", "verify", "restrict", "suspend", "lift")
_VERDICTS: Final = ("true_positive", "false_positive", "benign_lookalike")
_TEXTS: Final = ("account_id", "org_id", "campaign_id", "alert_id", "model", "field", "value_fp")
# Which subject each kind must name: at least one of these, not empty.
_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "enforcement": ("account_id",),
    "allowance": ("account_id", "org_id"),
    "feedback": ("alert_id", "account_id", "campaign_id"),
    "suppression": ("alert_id", "account_id", "campaign_id", "org_id"),
}
# What else each kind must give, not null; True: nor empty.
_NEEDS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "enforcement": (("action", False),),
    "model_release": (("model", True),),
    "allowance": (("families", True), ("until", False)),
    "feedback": (("verdict", False),),
    "indicator": (("field", False), ("value_fp", True), ("confidence", False)),
    "key_rotation": (("from_epoch", False), ("to_epoch", False)),
    "suppression": (("until", False),),
}


class RejectedControl(msgspec.Struct, frozen=True):
    """Why a record is no control event: one of `rejects.REASONS`, and a message for people."""

    reason: str
    message: str


def decode_control(raw: bytes | None, timestamp_ms: int | None) -> ControlEvent | RejectedControl:
    """Read one record. `timestamp_ms` is the record's own; None in a replay, which takes `at`."""
    try:
        return _checked(parse_object(raw), timestamp_ms)
    except Refusal as refusal:
        return RejectedControl(refusal.reason, refusal.message)
    except MemoryError:
        raise
    except Exception as error:  # a fault of ours must not stop what follows
        return RejectedControl(DECODER_FAILED, failed(error))


def _checked(value: dict[str, Any], timestamp_ms: int | None) -> ControlEvent:
    for name in ("control_id", "kind", "at"):
        if name not in value:
            raise Refusal(MISSING_PROPERTY, f"'{name}' is missing")
    given: dict[str, Any] = {"control_id": _text(value, "control_id")}
    given["kind"] = kind = _one_of(value, "kind", _KINDS)
    given["at"] = _whole(value, "at")
    for name in ("until", "from_epoch", "to_epoch"):
        if value.get(name) is not None:
            given[name] = _whole(value, name)
    for name in _TEXTS:
        if value.get(name) is not None:
            given[name] = _text(value, name)
    if value.get("note") is not None:
        given["note"] = _text(value, "note")
        if len(given["note"]) > 500:
            raise Refusal(OUT_OF_RANGE, f"'note' has {len(given['note'])} characters, not 0 to 500")
    if value.get("action") is not None:
        given["action"] = _one_of(value, "action", _ACTIONS)
    if value.get("verdict") is not None:
        given["verdict"] = _one_of(value, "verdict", _VERDICTS)
    if "families" in value:
        given["families"] = _families(value["families"])
    if "confidence" in value:
        given["confidence"] = _share(value["confidence"])
    if "revision" in value:
        given["revision"] = _whole(value, "revision", low=1)
    if "recorded_at" in value:
        given["recorded_at"] = _whole(value, "recorded_at", low=0)
    else:
        given["recorded_at"] = given["at"] if timestamp_ms is None else timestamp_ms
    _check_kind(kind, given)
    return ControlEvent(**given)


def _check_kind(kind: str, given: dict[str, Any]) -> None:
    for name, not_empty in _NEEDS[kind]:
        if given.get(name) is None:
            raise Refusal(MISSING_PROPERTY, f"kind '{kind}' needs '{name}'")
        if not_empty and not given[name]:
            raise Refusal(OUT_OF_RANGE, f"kind '{kind}' needs '{name}' not to be empty")
    subjects = _SUBJECTS.get(kind, ())
    if subjects and not any(given.get(name) for name in subjects):
        raise Refusal(
            MISSING_PROPERTY, f"kind '{kind}' needs one of {', '.join(subjects)}, not empty"
        )


def _text(value: dict[str, Any], name: str) -> str:
    if not isinstance(value[name], str):
        raise Refusal(WRONG_TYPE, f"'{name}' is no text")
    return str(value[name])


def _whole(value: dict[str, Any], name: str, low: int | None = None) -> int:
    number = value[name]
    # JSON knows one kind of number: 3.0 is whole.
    whole = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    if isinstance(number, bool) or not whole:
        raise Refusal(WRONG_TYPE, f"'{name}' is no whole number")
    if low is not None and number < low:
        raise Refusal(OUT_OF_RANGE, f"'{name}' is {number}; it is at least {low}")
    if not -(1 << 63) <= number < 1 << 63:
        raise Refusal(OUT_OF_RANGE, f"'{name}' does not fit in 64 bits")
    return int(number)


def _one_of(value: dict[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    if value[name] not in allowed:
        raise Refusal(OUT_OF_RANGE, f"'{name}' is none of {', '.join(allowed)}")
    return str(value[name])


def _families(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Refusal(WRONG_TYPE, "'families' is no list")
    for family in value:
        if family not in _FAMILIES:
            raise Refusal(OUT_OF_RANGE, f"'families' holds one that is none of {_FAMILIES}")
    return tuple(value)


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Refusal(WRONG_TYPE, "'confidence' is no number")
    if not 0 <= value <= 1:
        raise Refusal(OUT_OF_RANGE, "'confidence' is not from 0 to 1")
    return float(value)
