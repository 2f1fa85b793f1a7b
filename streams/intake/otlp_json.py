"""OTLP/JSON to signals. Each is read by itself: one of another shape costs no other.

Source: OTLP's "JSON Protobuf Encoding": camelCase (snake_case is read too), ids in hex (base64 is read
too, as generic protobuf encoders write it), 64-bit numbers as text or numbers, enums as numbers or names.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from streams.intake.otlp import (
    ERROR,
    KINDS,
    MOST_NESTED,
    STATUS_CODES,
    Attributes,
    Signal,
    plain_bytes,
    plain_number,
)
from streams.intake.outcome import NOT_AN_OBJECT, NOT_USABLE, Problem

_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,20}")
_CODE: Final = re.compile(r"[0-9]{1,4}")


def json_signals(request: dict[str, Any]) -> Iterator[Signal | Problem]:
    """Spans and log records of one request, or of a line of the collector's file exporter."""
    spans = _member(request, "resourceSpans", "resource_spans")
    logs = _member(request, "resourceLogs", "resource_logs")
    if spans is None and logs is None:
        if request:
            yield Problem(NOT_USABLE, "no OTLP of spans or logs: it has no resourceSpans")
        return
    for groups, inner, leaves, read in (
        (spans, _SCOPE_SPANS, ("spans",), _span),
        (logs, _SCOPE_LOGS, ("logRecords", "log_records", "logs"), _log),
    ):
        for group in _objects(groups):
            if isinstance(group, Problem):
                yield group
                continue
            resource = _attributes_of(group.get("resource"))
            for scoped in _objects(_first(group, inner)):
                if isinstance(scoped, Problem):
                    yield scoped
                    continue
                scope = _attributes_of(_first(scoped, _SCOPES))
                for leaf in _objects(_first(scoped, leaves)):
                    yield leaf if isinstance(leaf, Problem) else read(leaf, resource, scope)


# The older names are of OTLP before 0.19.
_SCOPE_SPANS: Final = ("scopeSpans", "scope_spans", "instrumentationLibrarySpans")
_SCOPE_LOGS: Final = ("scopeLogs", "scope_logs", "instrumentationLibraryLogs")
_SCOPES: Final = ("scope", "instrumentationLibrary")


def _span(span: dict[str, Any], resource: Attributes, scope: Attributes) -> Signal:
    status = span.get("status")
    code = status.get("code") if type(status) is dict else None
    return Signal(
        trace_id=id_of(_member(span, "traceId", "trace_id"), 16),
        span_id=id_of(_member(span, "spanId", "span_id"), 8),
        parent_id=id_of(_member(span, "parentSpanId", "parent_span_id"), 8),
        name=_text(span.get("name")),
        kind=enum_of(span.get("kind"), KINDS),
        start_ns=time_of(_member(span, "startTimeUnixNano", "start_time_unix_nano")),
        end_ns=time_of(_member(span, "endTimeUnixNano", "end_time_unix_nano")),
        failed=enum_of(code, STATUS_CODES) == ERROR,
        attributes=_attributes(span.get("attributes")),
        resource=resource,
        scope=scope,
        events=[
            (_text(event.get("name")), _attributes(event.get("attributes")))
            for event in _objects(span.get("events"))
            if isinstance(event, dict)
        ],
    )


def _log(log: dict[str, Any], resource: Attributes, scope: Attributes) -> Signal:
    attributes = _attributes(log.get("attributes"))
    body = value_of(log.get("body"), 0)
    if type(body) is dict:  # events of before 2025 have their attributes here
        attributes = body | attributes
    name = _text(_member(log, "eventName", "event_name")) or _text(attributes.get("event.name"))
    at = time_of(_member(log, "timeUnixNano", "time_unix_nano"))
    return Signal(
        trace_id=id_of(_member(log, "traceId", "trace_id"), 16),
        span_id=id_of(_member(log, "spanId", "span_id"), 8),
        parent_id="",
        name=name,
        kind=0,
        start_ns=0,
        end_ns=at or time_of(_member(log, "observedTimeUnixNano", "observed_time_unix_nano")),
        failed=False,
        attributes=attributes,
        resource=resource,
        scope=scope,
        is_log=True,
    )


def _member(of: dict[str, Any], camel: str, snake: str) -> Any:
    found = of.get(camel)
    return of.get(snake) if found is None else found


def _first(of: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((of[name] for name in names if of.get(name) is not None), None)


def _objects(values: Any) -> Iterator[dict[str, Any] | Problem]:
    if values is None:
        return
    if type(values) is not list:
        yield Problem(NOT_USABLE, "OTLP of another shape: a list is a single value")
        return
    for value in values:
        yield value if type(value) is dict else Problem(NOT_AN_OBJECT, "a signal is a JSON object")


def _text(value: Any) -> str:
    return value if type(value) is str else ""


def enum_of(value: Any, names: dict[str, int]) -> int:
    """A number, or what number a name is; 0 for what is neither."""
    if type(value) is int:
        return value
    if type(value) is str:
        return names.get(value, int(value) if _CODE.fullmatch(value) else 0)
    return 0


def time_of(value: Any) -> int:
    """Nanoseconds; 0 where there are none that can be used."""
    value = whole_of(value)  # a large number of JSON.stringify's has a fraction: 1.7e18
    return value if type(value) is int and 0 <= value < 1 << 64 else 0


def id_of(value: Any, size: int) -> str:
    """An id in lower-case hex; "" where there is none, it has another length, or is all zero."""
    if type(value) is not str:
        return ""
    try:
        hexadecimal = len(value) == 2 * size
        raw = bytes.fromhex(value) if hexadecimal else binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        return ""
    return raw.hex() if len(raw) == size and any(raw) else ""


def _attributes_of(holder: Any) -> Attributes:
    return _attributes(holder.get("attributes")) if type(holder) is dict else {}


def _attributes(pairs: Any, depth: int = 0) -> Attributes:
    made: Attributes = {}
    if type(pairs) is not list:
        return made
    for pair in pairs:
        if type(pair) is not dict:
            continue
        key, value = pair.get("key", ""), value_of(pair.get("value"), depth)
        if type(key) is str and value is not None:
            made[key] = value
    return made


def value_of(value: Any, depth: int = 0) -> Any:
    """What an AnyValue holds; what is wrong in itself as it is written, for whoever needs it to refuse."""
    if type(value) is not dict:
        return value if type(value) in (str, int, float, bool) else None
    for kind in value if len(value) == 1 else _VALUES:
        inner = value.get(kind)
        if inner is not None and (read := _VALUES.get(kind)):
            return read(inner, depth)
    return None


def whole_of(value: Any, _: int = 0) -> Any:
    """A whole number, or its text."""
    if type(value) is str:
        return int(value) if _WHOLE.fullmatch(value) else value
    if type(value) is float and value.is_integer():
        return int(value)
    return value if type(value) in (int, float) else None


def double_of(value: Any, _: int = 0) -> Any:
    """A number, its text, or the name of what is none."""
    if type(value) is str:
        try:
            return plain_number(float(value))
        except ValueError:
            return value
    return float(value) if type(value) in (int, float) else None


def _bytes(value: Any, _: int) -> Any:
    try:
        return plain_bytes(binascii.a2b_base64(value)) if type(value) is str else None
    except ValueError:
        return None


def _array(value: Any, depth: int) -> Any:
    values = value.get("values", []) if type(value) is dict else value
    if type(values) is not list or depth >= MOST_NESTED:
        return None
    return [value_of(inner, depth + 1) for inner in values]


def _pairs(value: Any, depth: int) -> Any:
    values = value.get("values", []) if type(value) is dict else value
    return None if depth >= MOST_NESTED else _attributes(values, depth + 1)


_VALUES: Final[dict[str, Callable[[Any, int], Any]]] = {
    "stringValue": lambda value, _: value if type(value) is str else None,
    "intValue": whole_of,
    "doubleValue": double_of,
    "boolValue": lambda value, _: value if type(value) is bool else None,
    "arrayValue": _array,
    "kvlistValue": _pairs,
    "bytesValue": _bytes,
}
_VALUES.update({kind.replace("Value", "_value"): read for kind, read in list(_VALUES.items())})
