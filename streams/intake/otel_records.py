"""Spans and log records to the raw records that a mapping file reads: attributes by name, and what follows.

A raw record is the span's attributes under their own dotted names (a log record's likewise), and beside them,
under names that no attribute can take from us:

| name | what |
|---|---|
| `otel.event_id` | trace and span id; of a log record outside a trace, a digest of the record |
| `otel.end_ms`, `otel.latency_ms` | when it ended, ms since 1970; how long it took (not of log records) |
| `otel.failed` | whether it ended in error |
| `otel.status`, `otel.error_class` | HTTP status; class of error |
| `otel.stream`, `otel.tool_count` | from whichever attribute says so |
| `otel.parameters`, `otel.usage`, `otel.cost` | JSON texts of OpenInference and Langfuse, read |
| `otel.messages` | the prompt's messages, for fingerprints alone |
| `otel.prompt_hash` | where there are none, a hash of the prompt that a guardrail made |
| `otel.resource`, `otel.scope` | their attributes, for an account that is said there |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, Final

import orjson

from streams.intake.bodies import RawRecord
from streams.intake.inference import DETAILS, counted_within, is_inference
from streams.intake.otel_failures import end_of
from streams.intake.otel_prompts import messages_of
from streams.intake.otlp import Signal
from streams.intake.outcome import (
    COUNTED_WITHIN,
    MISSING,
    NO_INFERENCE,
    NOT_USABLE,
    PassedOver,
    Problem,
)

# Who asked may be said once for a process that serves one user.
OF_A_RESOURCE: Final = ("user.id", "enduser.id", "enduser.pseudo.id")
_HASH: Final = "gen_ai.guardrail.security.content.input.hash"


def raw_records(signals: Iterable[Signal | Problem]) -> Iterator[RawRecord]:
    """Each signal of a body as a raw record, as passed over, or as what is wrong with it."""
    whole = list(signals)
    verdicts: list[Problem | PassedOver | None] = []
    inferences: list[Signal] = []
    for signal in whole:
        verdict: Problem | PassedOver | None
        if isinstance(signal, Problem):
            verdict = signal
        elif not is_inference(signal):
            verdict = PassedOver(NO_INFERENCE)
        elif (verdict := _wrong_with(signal)) is None:
            inferences.append(signal)
        verdicts.append(verdict)
    around = counted_within(inferences, (s for s in whole if isinstance(s, Signal)))
    for position, (signal, verdict) in enumerate(zip(whole, verdicts, strict=True)):
        if isinstance(signal, Problem):
            yield position, signal
        elif verdict is not None:
            yield position, verdict
        elif id(signal) in around:
            yield position, PassedOver(COUNTED_WITHIN)
        else:
            yield position, _record(signal)


def _wrong_with(signal: Signal) -> Problem | None:
    if not signal.is_log and not (signal.trace_id and signal.span_id):
        return Problem(MISSING, "a span's traceId and spanId: 16 and 8 bytes in hex, not all zero")
    if not signal.end_ns:
        return Problem(MISSING, "when it ended: endTimeUnixNano (timeUnixNano of a log record)")
    if not signal.is_log and not signal.start_ns:
        return Problem(MISSING, "when it began: startTimeUnixNano")
    if signal.end_ns < signal.start_ns:
        return Problem(NOT_USABLE, "endTimeUnixNano lies before startTimeUnixNano")
    return None


def _record(signal: Signal) -> dict[str, Any]:
    a = signal.attributes
    for name, attributes in signal.events:
        if name == DETAILS or _HASH in attributes:
            a = attributes | a
    signal.attributes = a
    record = dict(a)
    for name in OF_A_RESOURCE:
        if name not in record:
            value = signal.scope.get(name, signal.resource.get(name))
            if value is not None:
                record[name] = value
    end = end_of(signal)
    messages = messages_of(signal)
    parameters = _object(a, "llm.invocation_parameters", "langfuse.observation.model.parameters")
    record |= {
        "otel.event_id": _event_id(signal),
        "otel.end_ms": signal.end_ns // 1_000_000,
        "otel.latency_ms": None if signal.is_log else _ms(signal.end_ns - signal.start_ns),
        "otel.failed": end.failed,
        "otel.status": end.status,
        "otel.error_class": end.error_class,
        "otel.stream": _stream(a, parameters),
        "otel.tool_count": _tools(a, parameters),
        "otel.parameters": parameters,
        "otel.usage": _object(a, "langfuse.observation.usage_details"),
        "otel.cost": _object(a, "langfuse.observation.cost_details"),
        "otel.messages": messages,
        "otel.prompt_hash": None if messages else a.get(_HASH),
        "otel.resource": signal.resource,
        "otel.scope": signal.scope,
    }
    return record


def _ms(nanoseconds: int) -> int:
    return (nanoseconds + 500_000) // 1_000_000


def _event_id(signal: Signal) -> str:
    if signal.trace_id and signal.span_id:
        return f"{signal.trace_id}-{signal.span_id}"
    said = [signal.end_ns, signal.trace_id, signal.name, signal.attributes]
    text = orjson.dumps(
        said, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS, default=str
    )
    return "log-" + hashlib.blake2b(text, digest_size=16).hexdigest()


def _object(a: dict[str, Any], *names: str) -> dict[str, Any]:
    """The first attribute that is a JSON text of an object, or one itself."""
    for name in names:
        value = a.get(name)
        if type(value) is str and value[:1] == "{":
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                continue
        if type(value) is dict:
            return value
    return {}


_STREAMS: Final = (
    *("gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"),
    *("llm.request.stream", "litellm.request.streaming"),
)


def _stream(a: dict[str, Any], parameters: dict[str, Any]) -> bool | None:
    for name in _STREAMS:
        if name in a and (said := _flag(a[name])) is not None:
            return said
    said = _flag(parameters.get("stream"))
    return True if said is None and "gen_ai.response.time_to_first_chunk" in a else said


def _flag(value: Any) -> bool | None:
    if type(value) is str:
        return {"true": True, "false": False}.get(value.lower())
    return value if type(value) is bool else None


_TOOLS: Final = ("llm.tools.", "llm.request.functions.", "gen_ai.tool.")


def _tools(a: dict[str, Any], parameters: dict[str, Any]) -> int | None:
    declared = a.get("litellm.request.tools.declared")
    if type(declared) is int:
        return declared
    definitions = a.get("gen_ai.tool.definitions")
    if type(definitions) is str and definitions[:1] == "[":
        try:
            definitions = orjson.loads(definitions)
        except orjson.JSONDecodeError:
            definitions = None
    if type(definitions) is list:
        return len(definitions)
    listed = [name for name in a if name.startswith(_TOOLS)]
    for prefix in _TOOLS if listed else ():
        numbers = {n[len(prefix) :].partition(".")[0] for n in listed if n.startswith(prefix)}
        count = sum(number.isdecimal() for number in numbers)
        if count:
            return count
    tools = parameters.get("tools")
    return len(tools) if type(tools) is list else None
