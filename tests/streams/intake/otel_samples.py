"""Spans as the real SDK makes them, and the same requests in protobuf, OTLP/JSON and base64."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Tracer

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "large-5",
    "gen_ai.response.model": "large-5-2026",
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 2950,
}
# Three dialects' words for the same request, beside what is common to all.
CURRENT = CHAT | {
    "gen_ai.usage.cache_read.input_tokens": 512,
    "gen_ai.usage.reasoning.output_tokens": 700,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.top_p": 0.9,
    "gen_ai.request.max_tokens": 4096,
    "gen_ai.request.choice.count": 2,
    "gen_ai.request.stream": True,
    "gen_ai.conversation.id": "conversation-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.tool.definitions": '[{"type": "function", "name": "a"}, {"type": "function", "name": "b"}]',
}
OLDER = {
    "gen_ai.system": "OpenAI",
    "llm.request.type": "chat",
    "gen_ai.request.model": "large-5",
    "gen_ai.response.model": "large-5-2026",
    "gen_ai.usage.prompt_tokens": 812,
    "gen_ai.usage.completion_tokens": 2950,
    "llm.usage.total_tokens": 3762,
    "gen_ai.usage.cache_read_input_tokens": 512,
    "gen_ai.usage.reasoning_tokens": 700,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.request.top_p": 0.9,
    "gen_ai.request.max_tokens": 4096,
    "gen_ai.request.n": 2,
    "llm.is_streaming": "True",
    "traceloop.association.properties.session_id": "conversation-1",
    "llm.request.functions.0.name": "a",
    "llm.request.functions.0.description": "does a",
    "llm.request.functions.1.name": "b",
}
OLDEST = {
    "llm.vendor": "OpenAI",
    "llm.request.type": "chat",
    "llm.request.model": "large-5",
    "llm.response.model": "large-5-2026",
    "llm.usage.prompt_tokens": 812,
    "llm.usage.completion_tokens": 2950,
    "llm.usage.cache_read_input_tokens": 512,
    "llm.usage.reasoning_tokens": 700,
    "llm.temperature": 0.5,
    "llm.top_p": 0.9,
    "llm.request.max_tokens": 4096,
    "gen_ai.request.n": 2,
    "llm.is_streaming": True,
    "session.id": "conversation-1",
    "llm.request.functions.0.name": "a",
    "llm.request.functions.1.name": "b",
}
OPENINFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.system": "openai",
    "llm.model_name": "large-5-2026",
    "llm.token_count.prompt": 812,
    "llm.token_count.completion": 2950,
    "llm.token_count.total": 3762,
    "llm.token_count.prompt_details.cache_read": 512,
    "llm.token_count.completion_details.reasoning": 700,
    "llm.invocation_parameters": '{"model": "large-5", "temperature": 0.5, "top_p": 0.9,'
    ' "max_tokens": 4096, "n": 2, "stream": true}',
    "session.id": "conversation-1",
    "llm.tools.0.tool.json_schema": '{"name": "a"}',
    "llm.tools.1.tool.json_schema": '{"name": "b"}',
}


def made(make: Callable[[Tracer], None], resource: dict[str, Any] | None = None) -> Any:
    """The ExportTraceServiceRequest of the spans that `make` makes, as the SDK's exporter encodes it."""
    return encode_spans(spans_of(make, resource))


def spans_of(
    make: Callable[[Tracer], None], resource: dict[str, Any] | None = None
) -> tuple[ReadableSpan, ...]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource(resource or {"service.name": "gateway"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    make(provider.get_tracer("samples", "1.0"))
    return kept.get_finished_spans()


def one(attributes: dict[str, Any], *, kind: SpanKind = SpanKind.CLIENT, name: str = "chat") -> Any:
    """A request with one span."""
    return made(lambda tracer: tracer.start_span(name, kind=kind, attributes=attributes).end())


def as_json(request: Any) -> bytes:
    """OTLP/JSON as the collector writes it: ids in hex, 64-bit numbers as text."""
    plain = MessageToDict(request)
    _hexadecimal(plain)
    return orjson.dumps(plain)


def as_base64(request: Any) -> bytes:
    return base64.b64encode(request.SerializeToString())


def _hexadecimal(value: Any) -> None:
    for each in value if isinstance(value, list) else value.values():
        if isinstance(each, (list, dict)):
            _hexadecimal(each)
    if isinstance(value, dict):
        for name in {"traceId", "spanId", "parentSpanId"} & value.keys():
            value[name] = base64.b64decode(value[name]).hex()
