"""What counts as a request to a model, and that a request counts once."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Tracer

from streams.intake.otel_bodies import span_records
from streams.intake.outcome import COUNTED_WITHIN, NO_INFERENCE, PassedOver
from tests.streams.intake.otel_samples import (
    CHAT,
    CURRENT,
    OLDER,
    OLDEST,
    OPENINFERENCE,
    as_json,
    made,
    one,
)

CLIENT, SERVER, INTERNAL = SpanKind.CLIENT, SpanKind.SERVER, SpanKind.INTERNAL
USAGE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 200}
MODEL = {"gen_ai.request.model": "large-5"}


@pytest.mark.parametrize(
    "attributes",
    [
        CURRENT,
        OLDER,
        OLDEST,
        OPENINFERENCE,
        CHAT | {"gen_ai.operation.name": "generate_content"},
        CHAT | {"gen_ai.operation.name": "text_completion"},
        MODEL | {"llm.request.type": "acompletion", "gen_ai.system": "openai"} | USAGE,  # LiteLLM
        {
            "gen_ai.response.model": "large-5",
            "gen_ai.usage.prompt_tokens": 3,
            "gen_ai.request.id": "x",
        },
        MODEL | {"gen_ai.system": "openai"},  # failed: no usage
        {"langfuse.observation.type": "generation", "langfuse.observation.model.name": "large-5"},
        CHAT | {"gen_ai.agent.name": "planner"},  # a call that an agent makes
        CHAT | {"traceloop.workflow.name": "flow", "traceloop.entity.path": "a.b"},
    ],
)
def test_a_request_to_a_model_counts_in_each_dialect(attributes: dict[str, Any]) -> None:
    assert _verdicts(one(attributes)) == ["counts"]


@pytest.mark.parametrize(
    "attributes",
    [
        *(
            CHAT | {"gen_ai.operation.name": name}
            for name in (
                *(
                    "invoke_agent",
                    "create_agent",
                    "execute_tool",
                    "embeddings",
                    "retrieval",
                    "plan",
                ),
                *("invoke_workflow", "run_guardrail", "search_memory", "execute_task", "rerank"),
                *("aembedding", "tokenize", "litellm.moderation", "", 7, ["chat"]),
            )
        ),
        *(
            OPENINFERENCE | {"openinference.span.kind": kind}
            for kind in (
                *("AGENT", "CHAIN", "TOOL", "RETRIEVER", "RERANKER", "EMBEDDING", "GUARDRAIL"),
                *("EVALUATOR", "PROMPT", "TOKEN_COUNTER", "UNKNOWN"),
            )
        ),
        *(CHAT | {"traceloop.span.kind": kind} for kind in ("workflow", "task", "agent", "tool")),
        *(CHAT | {"langfuse.observation.type": kind} for kind in ("span", "agent", "embedding")),
        CHAT | {"openinference.span.kind": "CHAIN"},  # both dialects, and one says no
        OPENINFERENCE | {"gen_ai.operation.name": "invoke_agent"},
        MODEL | {"llm.request.type": "embedding"} | USAGE,
        CHAT | {"litellm.request.purpose": "autorouter_classifier"},
        {"http.request.method": "POST", "url.full": "https://api.example/v1/chat/completions"},
        {"http.method": "POST", "http.route": "/v1/chat/completions", "http.status_code": 200},
        {"db.system": "redis", **MODEL},  # identity that a gateway puts on every span
        {"agent_name": "a", "model_name": "large-5", **USAGE},
        {"llm.openai.model": "large-5", "llm.openai.messages": "[]"},
        {},
    ],
)
def test_what_lies_around_a_request_does_not_count(attributes: dict[str, Any]) -> None:
    for kind in (CLIENT, INTERNAL, SERVER):
        assert _verdicts(one(attributes, kind=kind)) == [NO_INFERENCE]


def test_a_span_name_tells_an_agent_that_says_it_nowhere_else() -> None:
    for name in ("invoke_agent planner", "agent run", "execute_tool search", "embeddings small"):
        assert _verdicts(one(MODEL | USAGE, name=name)) == [NO_INFERENCE]
    assert _verdicts(one(MODEL | USAGE, name="large-5 call")) == ["counts"]


def test_a_servers_span_counts_only_with_a_usage_or_if_it_says_what_it_is() -> None:
    http = {"http.request.method": "POST", "gen_ai.system": "openai", **MODEL}
    assert _verdicts(one(http, kind=SERVER)) == [NO_INFERENCE]
    assert _verdicts(one(http | USAGE, kind=SERVER)) == ["counts"]
    assert _verdicts(one(http | {"gen_ai.operation.name": "chat"}, kind=SERVER)) == ["counts"]


def test_an_agents_sum_over_its_calls_is_not_counted_twice() -> None:
    def make(tracer: Tracer) -> None:
        total = {"gen_ai.operation.name": "invoke_agent", **MODEL, **USAGE}
        with tracer.start_as_current_span("invoke_agent planner", attributes=total):
            for tokens in (40, 60):
                call = CHAT | {"gen_ai.usage.input_tokens": tokens, "user.id": "ann"}
                tracer.start_span("chat", kind=CLIENT, attributes=call).end()
            tracer.start_span(
                "execute_tool", attributes={"gen_ai.operation.name": "execute_tool"}
            ).end()

    records = [r for _, r in span_records(made(make).SerializeToString()) if isinstance(r, dict)]
    assert [record["gen_ai.usage.input_tokens"] for record in records] == [40, 60]


def test_of_spans_around_each_other_the_innermost_is_the_request_and_knows_who_asked() -> None:
    asked = {"user.id": "ann", "client.address": "192.0.2.7", "user_agent.original": "sdk/1"}

    def make(tracer: Tracer) -> None:
        with (
            tracer.start_as_current_span("POST", kind=SERVER, attributes=CHAT | asked),
            tracer.start_as_current_span("route", attributes={"gen_ai.conversation.id": "no"}),
            tracer.start_as_current_span("ChatOpenAI", attributes=OPENINFERENCE),
        ):
            tracer.start_span("chat", kind=CLIENT, attributes=CURRENT | {"n": 1}).end()

    request = made(make)
    for body in (request.SerializeToString(), as_json(request)):
        records = [record for _, record in span_records(body)]
        assert _of(records) == ["counts", COUNTED_WITHIN, NO_INFERENCE, COUNTED_WITHIN]
        (inner,) = (record for record in records if isinstance(record, dict))
        assert inner.items() >= (CURRENT | asked | {"n": 1}).items()


def test_spans_beside_each_other_with_one_answer_are_one_request() -> None:
    answer = {"gen_ai.response.id": "chatcmpl-1"}

    def make(tracer: Tracer) -> None:
        with tracer.start_as_current_span("trace"):
            tracer.start_span(
                "in", kind=SERVER, attributes=CHAT | answer | {"user.id": "ann"}
            ).end()
            tracer.start_span("out", kind=CLIENT, attributes=CHAT | answer).end()
            tracer.start_span(
                "out", kind=CLIENT, attributes=CHAT | {"gen_ai.response.id": "2"}
            ).end()

    records = [record for _, record in span_records(made(make).SerializeToString())]
    assert _of(records) == [COUNTED_WITHIN, "counts", "counts", NO_INFERENCE]
    assert [r.get("user.id") for r in records if isinstance(r, dict)] == ["ann", None]


def test_what_an_outer_span_is_told_apart_by_is_its_trace_too() -> None:
    one_trace, other = made(_call), made(_call)
    span = other.resource_spans[0].scope_spans[0].spans[0]
    span.parent_span_id = one_trace.resource_spans[0].scope_spans[0].spans[0].span_id
    one_trace.resource_spans.extend(other.resource_spans)
    assert _verdicts(one_trace) == ["counts", "counts"]


def test_spans_that_are_their_own_parents_are_read_to_an_end() -> None:
    request = made(lambda tracer: [_call(tracer) for _ in range(3)] and None)
    spans = request.resource_spans[0].scope_spans[0].spans
    for span, parent in zip(spans, (spans[1], spans[0], spans[2]), strict=True):
        span.trace_id, span.parent_span_id = spans[0].trace_id, parent.span_id
    assert _verdicts(request) == ["counts", COUNTED_WITHIN, "counts"]


def test_a_request_that_is_refused_excuses_no_other() -> None:
    def make(tracer: Tracer) -> None:
        with tracer.start_as_current_span("outer", attributes=CHAT):
            tracer.start_span("inner", attributes=CHAT).end()

    request = made(make)
    request.resource_spans[0].scope_spans[0].spans[0].end_time_unix_nano = 0
    assert _verdicts(request) == ["missing_property", "counts"]


def _call(tracer: Tracer) -> None:
    tracer.start_span(
        "chat", context=trace.set_span_in_context(trace.INVALID_SPAN), attributes=CHAT
    ).end()


def _verdicts(request: Any) -> list[str]:
    return _of([record for _, record in span_records(request.SerializeToString())])


def _of(records: list[Any]) -> list[str]:
    return ["counts" if isinstance(r, dict) else r.reason for r in records]


def test_passed_over_is_no_refusal() -> None:
    ((_, record),) = span_records(one({}).SerializeToString())
    assert record == PassedOver(NO_INFERENCE)
