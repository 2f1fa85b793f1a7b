"""OpenTelemetry spans a second on one core, from the bytes of a request to events, by encoding.

    python benchmarks/intake_otel.py [--spans N] [--rounds N] [--prompt CHARACTERS] [--json FILE]

Each round converts the same request in each encoding in turn; the best round counts, in seconds of processor.
Beside it what is the least that any reader does: the parser alone (protobuf's FromString, orjson.loads).
Every fourth span is no request (an agent's or a tool's), as traces have them; each request has 24 attributes.
"""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData

from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter
from streams.intake.otel_bodies import span_records

END_NS = 1_777_026_031_000_000_000


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--spans", type=int, default=2_000, help="in a request")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--prompt", type=int, default=0, help="characters of a prompt on each span")
    parser.add_argument("--json", help="also write the figures to this file")
    given = parser.parse_args()
    figures = measure(given.spans, given.rounds, given.prompt)
    print(f"{'':10}{'bytes a span':>14}{'parser alone':>14}{'records':>12}{'events':>12}  spans/s")
    for name, row in figures.items():
        print(f"{name:10}" + "".join(f"{row[column]:>{width},.0f}" for column, width in COLUMNS))
    if given.json:
        Path(given.json).write_text(json.dumps(figures, indent=1))
    return 0


COLUMNS = (("bytes_a_span", 14), ("parsed_per_s", 14), ("records_per_s", 12), ("events_per_s", 12))


def measure(spans: int, rounds: int, prompt: int) -> dict[str, dict[str, float]]:
    """Figures by encoding."""
    message = request(spans, prompt)
    binary = message.SerializeToString()
    bodies = {"protobuf": binary, "base64": base64.b64encode(binary), "json": as_json(message)}
    parsers: dict[str, Callable[[bytes], Any]] = {
        "protobuf": TracesData.FromString,
        "base64": lambda body: TracesData.FromString(base64.b64decode(body)),
        "json": orjson.loads,
    }
    converter = Converter(keys=Keys(b"a key of the benchmark, no other", 1))
    best: dict[str, dict[str, float]] = {name: {} for name in bodies}
    for _ in range(rounds):
        for name, body in bodies.items():
            steps: dict[str, Callable[[], Any]] = {
                "parsed_per_s": lambda body=body, name=name: parsers[name](body),
                "records_per_s": lambda body=body: list(span_records(body)),
                "events_per_s": lambda body=body: converter.convert(
                    "otel_spans", body, received_ms=END_NS // 1_000_000 + 1
                ),
            }
            for step, run in steps.items():
                began = time.process_time()
                made = run()
                rate = spans / (time.process_time() - began)
                best[name][step] = max(best[name].get(step, 0.0), rate)
            if len(made.events) != spans - spans // 4:
                raise RuntimeError(
                    f"{len(made.events)} events of {spans} spans, {made.refused[:1]}"
                )
            best[name]["bytes_a_span"] = len(body) / spans
    return best


def request(spans: int, prompt: int) -> TracesData:
    """A request of OTLP with as many spans."""
    resource = Resource(attributes=pairs({"service.name": "gateway", "host.name": "gateway-0"}))
    scope = ScopeSpans(spans=[span(number, prompt) for number in range(spans)])
    return TracesData(resource_spans=[ResourceSpans(resource=resource, scope_spans=[scope])])


def span(number: int, prompt: int) -> Span:
    """One of them."""
    around = number % 4 == 3
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "invoke_agent" if around else "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "large-5",
        "gen_ai.response.model": "large-5-2026-05-01",
        "gen_ai.response.id": f"chatcmpl-{number:024d}",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 812 + number % 100,
        "gen_ai.usage.output_tokens": 2950 + number % 900,
        "gen_ai.usage.cache_read.input_tokens": 512,
        "gen_ai.usage.reasoning.output_tokens": 700,
        "gen_ai.request.temperature": 0.7,
        "gen_ai.request.top_p": 0.95,
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.request.stream": True,
        "gen_ai.request.seed": number,
        "gen_ai.conversation.id": f"conversation-{number % 700}",
        "gen_ai.output.type": "text",
        "server.address": "api.example",
        "server.port": 443,
        "client.address": f"198.51.{number % 200}.7",
        "user_agent.original": f"openai-python/1.{number % 40}.0",
        "user.id": f"user-{number % 500}",
        "openai.request.service_tier": "auto",
        "openai.response.system_fingerprint": "fp_44709d6fcb",
    }
    if prompt:
        said = f"Write number {number}: " + "a sentence of some words. " * (prompt // 26)
        message = {"role": "user", "parts": [{"type": "text", "content": said}]}
        attributes["gen_ai.input.messages"] = json.dumps([message])
    return Span(
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        name="chat large-5",
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=END_NS - 8_400_000_000,
        end_time_unix_nano=END_NS,
        attributes=pairs(attributes),
    )


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    """Attributes as OTLP has them."""
    return [KeyValue(key=key, value=value_of(value)) for key, value in attributes.items()]


def value_of(value: Any) -> AnyValue:
    """A value as OTLP has it."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[value_of(each) for each in value]))
    return AnyValue(string_value=value)


def as_json(message: TracesData) -> bytes:
    """OTLP/JSON: ids in hex."""
    plain = MessageToDict(message)
    for each in plain["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        for name in ("traceId", "spanId"):
            each[name] = base64.b64decode(each[name]).hex()
    return orjson.dumps(plain)


if __name__ == "__main__":
    raise SystemExit(main())
