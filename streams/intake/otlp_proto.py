"""OTLP protobuf to signals. A body that is wrong in one place is read around that place.

Source: opentelemetry-proto. `FromString` refuses a whole request for one text that is no UTF-8 or one
number of another wire type; then each span is parsed by itself, after the envelopes were taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from streams.intake.otlp import (
    ERROR,
    MOST_NESTED,
    Attributes,
    Signal,
    plain_bytes,
    plain_number,
)
from streams.intake.outcome import UNREADABLE, Problem
from streams.intake.wire import TornError, messages


def proto_signals(body: bytes, logs: bool) -> Iterator[Signal | Problem]:
    """Spans (or log records) of an ExportTraceServiceRequest (ExportLogsServiceRequest)."""
    try:
        request: Any = (LogsData if logs else TracesData).FromString(body)
    except DecodeError:
        yield from _around_what_is_wrong(body, logs)
        return
    for group in request.resource_logs if logs else request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_logs if logs else group.scope_spans:
            scope = _attributes(scoped.scope.attributes)
            if logs:
                for log in scoped.log_records:
                    yield _log(log, resource, scope)
            else:
                for span in scoped.spans:
                    yield _span(span, resource, scope)


# Field numbers, the same for spans and logs: the request's groups; a group's resource and scopes; a
# scope's own description and its signals.
_GROUPS, _RESOURCE, _SCOPES, _SCOPE, _SIGNALS = 1, 1, 2, 1, 2


def _around_what_is_wrong(body: bytes, logs: bool) -> Iterator[Signal | Problem]:
    """What a broken request still holds; a problem for each piece that cannot be read."""
    for group in messages(body, _GROUPS):
        if isinstance(group, TornError):
            yield Problem(UNREADABLE, "protobuf that is cut short or damaged")
            return
        resource = _described(Resource, group, _RESOURCE)
        for scoped in messages(group, _SCOPES):
            if isinstance(scoped, TornError):
                yield Problem(UNREADABLE, "protobuf of a resource that is cut short or damaged")
                break
            scope = _described(InstrumentationScope, scoped, _SCOPE)
            for piece in messages(scoped, _SIGNALS):
                if isinstance(piece, TornError):
                    yield Problem(UNREADABLE, "protobuf of a scope that is cut short or damaged")
                    break
                yield _alone(piece, logs, resource, scope)


def _described(kind: Any, of: bytes, number: int) -> Attributes:
    """Attributes of a resource or scope; none where it cannot be read."""
    try:
        parts = [part for part in messages(of, number) if isinstance(part, bytes)]
        return _attributes(kind.FromString(b"".join(parts)).attributes)
    except DecodeError:
        return {}


def _alone(piece: bytes, logs: bool, resource: Attributes, scope: Attributes) -> Signal | Problem:
    try:
        if logs:
            return _log(LogRecord.FromString(piece), resource, scope)
        return _span(Span.FromString(piece), resource, scope)
    except DecodeError:
        return Problem(UNREADABLE, "protobuf of a signal that is damaged, or text that is no UTF-8")


def _span(span: Span, resource: Attributes, scope: Attributes) -> Signal:
    return Signal(
        trace_id=_id(span.trace_id, 16),
        span_id=_id(span.span_id, 8),
        parent_id=_id(span.parent_span_id, 8),
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        failed=span.status.code == ERROR,
        attributes=_attributes(span.attributes),
        resource=resource,
        scope=scope,
        events=[(event.name, _attributes(event.attributes)) for event in span.events],
    )


def _log(log: LogRecord, resource: Attributes, scope: Attributes) -> Signal:
    attributes = _attributes(log.attributes)
    body = _value(log.body, 0)
    if type(body) is dict:  # events of before 2025 have their attributes here
        attributes = body | attributes
    name = attributes.get("event.name")
    return Signal(
        trace_id=_id(log.trace_id, 16),
        span_id=_id(log.span_id, 8),
        parent_id="",
        name=log.event_name or (name if isinstance(name, str) else ""),
        kind=0,
        start_ns=0,
        end_ns=log.time_unix_nano or log.observed_time_unix_nano,
        failed=False,
        attributes=attributes,
        resource=resource,
        scope=scope,
        is_log=True,
    )


def _id(raw: bytes, size: int) -> str:
    return raw.hex() if len(raw) == size and any(raw) else ""


def _attributes(pairs: Iterable[Any], depth: int = 0) -> Attributes:
    made: Attributes = {}
    for pair in pairs:
        value = pair.value
        kind = value.WhichOneof("value")
        if kind in _PLAIN:
            made[pair.key] = getattr(value, kind)
        elif (said := _value(value, depth)) is not None:
            made[pair.key] = said
    return made


_PLAIN: Final = frozenset(("string_value", "int_value", "bool_value"))


def _value(value: Any, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    inner = getattr(value, kind)
    match kind:
        case "double_value":
            return plain_number(inner)
        case "array_value":
            if depth >= MOST_NESTED:
                return None
            return [_value(each, depth + 1) for each in inner.values]
        case "kvlist_value":
            return None if depth >= MOST_NESTED else _attributes(inner.values, depth + 1)
        case "bytes_value":
            return plain_bytes(inner)
    return inner
