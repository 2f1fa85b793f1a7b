"""What OTLP says, whatever its encoding: a span or a log record as names and plain values.

Source: opentelemetry-proto, `trace.proto`, `logs.proto` and `common.proto` of 1.x.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final

# An attribute's value: text, number, truth, or a list or dict of them; bytes are text where they can be.
Attributes = dict[str, Any]

MOST_NESTED: Final = 16  # lists and dicts within an attribute; what lies deeper is left out

INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5  # SpanKind
KINDS: Final = {
    "SPAN_KIND_UNSPECIFIED": 0,
    "SPAN_KIND_INTERNAL": INTERNAL,
    "SPAN_KIND_SERVER": SERVER,
    "SPAN_KIND_CLIENT": CLIENT,
    "SPAN_KIND_PRODUCER": PRODUCER,
    "SPAN_KIND_CONSUMER": CONSUMER,
}
ERROR: Final = 2  # Status.StatusCode
STATUS_CODES: Final = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": ERROR}


@dataclass(slots=True, eq=False)
class Signal:
    """A span, or a log record. Times in nanoseconds since 1970; ids in hex, empty where there is none.

    `name`: of the span, or of the event that a log record is. `resource` and `scope` are shared by all
    signals of theirs: nobody writes to them.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    failed: bool
    attributes: Attributes
    resource: Attributes
    scope: Attributes
    events: list[tuple[str, Attributes]] = field(default_factory=list)
    is_log: bool = False


def plain_number(value: float) -> float | str:
    """A double as JSON has it: what is no number is its name, as OTLP/JSON writes it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def plain_bytes(value: bytes) -> str | None:
    """Bytes as text, if they are any."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None
