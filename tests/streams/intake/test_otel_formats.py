"""OpenTelemetry to events: each dialect, each encoding, and nothing of the text."""

from __future__ import annotations

import gzip
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, Tracer

from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter
from streams.intake.outcome import COUNTED_WITHIN, NAMELESS, NO_INFERENCE, Outcome
from tests.streams.intake.otel_samples import (
    CHAT,
    CURRENT,
    OLDER,
    OLDEST,
    OPENINFERENCE,
    as_base64,
    as_json,
    made,
    one,
)

KEYS = Keys(b"a key of the tests, and no other", 3)
LATER = 4_000_000_000_000
SCHEMA = Path(__file__).parents[2] / "contract" / "request-event.v1.schema.json"
VALID = Draft202012Validator(json.loads(SCHEMA.read_text()))
ASKED = {
    "user.id": "ann",
    "client.address": "192.0.2.7",
    "user_agent.original": "openai-python/1.2",
}
DETAILS = "gen_ai.client.inference.operation.details"


def test_three_dialects_say_the_same_of_the_same_request() -> None:
    events = [_event(one(a | ASKED)) for a in (CURRENT, OLDER, OLDEST, OPENINFERENCE)]
    for event in events:
        VALID.validate(event)
        for name in ("event_id", "event_time", "latency_ms"):
            del event[name]
    assert all(event == events[0] for event in events)
    assert events[0] == {
        "account_id": KEYS.digest("account", "ann"),
        "session_id": KEYS.digest("session", "conversation-1"),
        "ip_prefix_fp": KEYS.address("192.0.2.250"),
        "client_fp": events[0]["client_fp"],
        "model": "large-5-2026",
        "input_tokens": 812,
        "output_tokens": 2950,
        "cached_tokens": 512,
        "reasoning_tokens": 700,
        "max_tokens": 4096,
        "temperature": 0.5,
        "top_p": 0.9,
        "n": 2,
        "stream": True,
        "tool_count": 2,
        "status": 200,
        "id_epoch": 3,
        "ingest_time": LATER,
    }


def test_each_encoding_gives_the_same_events_byte_for_byte() -> None:
    def make(tracer: Tracer) -> None:
        for number, attributes in enumerate((CURRENT, OLDER, OLDEST, OPENINFERENCE)):
            tracer.start_span("chat", attributes=attributes | {"user.id": f"user {number}"}).end()

    request = made(make)
    plain = _convert(request.SerializeToString())
    assert len({event.key for event in plain.events}) == 4  # a request of OTLP holds many accounts
    for body in (as_json(request), as_base64(request), as_json(request) + b"\n"):
        for name in ("otel_spans", "otel_spans_proto"):
            assert _convert(body, name) == plain
    packed = gzip.compress(as_json(request))
    assert _convert(packed) == plain


def test_a_request_without_an_account_makes_no_event_and_is_counted() -> None:
    for attributes in (CHAT, CHAT | {"user.id": ""}, CHAT | {"enduser.id": "anonymous"}):
        outcome = _convert(one(attributes).SerializeToString())
        assert (outcome.events, outcome.refused) == ([], [])
        assert outcome.passed_over == {NAMELESS: 1}


@pytest.mark.parametrize(
    ("attributes", "account"),
    [
        ({"user.id": "a", "enduser.id": "b"}, "a"),
        ({"enduser.id": "b", "enduser.pseudo.id": "c"}, "b"),
        ({"enduser.pseudo.id": "c"}, "c"),
        ({"traceloop.association.properties.user_id": "d"}, "d"),
        ({"metadata.user_api_key_user_id": "e", "gen_ai.user": "whoever"}, "e"),
        ({"litellm.end_user.id": "f"}, "f"),
        ({"gen_ai.user": "g"}, "g"),
        ({"user.id": 17}, "17"),
        ({"user.id": "-", "enduser.id": "h"}, "h"),
    ],
)
def test_whom_a_request_is_counted_for(attributes: dict[str, Any], account: str) -> None:
    assert _event(one(CHAT | attributes))["account_id"] == KEYS.digest("account", account)


def test_the_account_is_an_option() -> None:
    body = made(
        lambda t: t.start_span("chat", attributes=CHAT | ASKED | {"tenant.id": "t"}).end(),
        {"service.name": "shop"},
    ).SerializeToString()
    for option, account in (('"tenant.id"', "t"), ('"otel.resource"."service.name"', "shop")):
        outcome = Converter(keys=KEYS, account=option).convert(
            "otel_spans", body, received_ms=LATER
        )
        assert orjson.loads(outcome.events[0].value)["account_id"] == KEYS.digest(
            "account", account
        )


def test_a_failed_request_used_nothing_and_an_answered_one_something_that_is_not_known() -> None:
    request = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "large-5"} | ASKED
    cases: list[tuple[dict[str, Any], Any, Any]] = [
        ({"error.type": "429"}, 0, 429),
        ({"error.type": "RateLimitError"}, 0, 429),
        ({"error.type": "timeout"}, 0, None),
        ({}, None, 200),
        ({"error.type": "timeout", "gen_ai.response.id": "x"}, None, 200),
    ]
    for more, tokens, status in cases:
        event = _event(one(request | more))
        VALID.validate(event)
        assert (event["input_tokens"], event["output_tokens"]) == (tokens, tokens)
        assert event.get("status") == status
    part = _event(one(request | {"error.type": "500", "gen_ai.usage.input_tokens": 40}))
    assert (part["input_tokens"], part["output_tokens"]) == (40, 0)


def test_repeated_spans_have_one_id_and_spans_of_one_trace_two() -> None:
    def make(tracer: Tracer) -> None:
        with tracer.start_as_current_span("agent"):
            tracer.start_span("chat", attributes=CHAT | ASKED).end()
            tracer.start_span("chat", attributes=CHAT | ASKED).end()

    body = made(make).SerializeToString()
    first, again = _convert(body), _convert(body + body)
    ids = [orjson.loads(event.value)["event_id"] for event in again.events]
    assert ids[:2] == ids[2:] == [orjson.loads(e.value)["event_id"] for e in first.events]
    assert len(set(ids)) == 2


def test_an_agent_its_tools_and_its_gateway_are_passed_over_and_counted() -> None:
    def make(tracer: Tracer) -> None:
        with (
            tracer.start_as_current_span(
                "invoke_agent", attributes=CHAT | ASKED | _op("invoke_agent")
            ),
            tracer.start_as_current_span("POST", kind=SpanKind.SERVER, attributes=CHAT | ASKED),
        ):
            tracer.start_span("chat", kind=SpanKind.CLIENT, attributes=CHAT).end()
            tracer.start_span("execute_tool", attributes=ASKED | _op("execute_tool")).end()
            tracer.start_span("embeddings", attributes=CHAT | ASKED | _op("embeddings")).end()

    outcome = _convert(made(make).SerializeToString())
    assert outcome.passed_over == {NO_INFERENCE: 3, COUNTED_WITHIN: 1}
    (event,) = outcome.events
    assert orjson.loads(event.value)["ip_prefix_fp"] == KEYS.address("192.0.2.7")


def test_a_guardrails_hash_of_the_prompt_is_digested_again_and_a_prompt_goes_before_it() -> None:
    hashed = {"gen_ai.guardrail.security.content.input.hash": "sha256:a3f2b8c9"}
    event = _event(one(CHAT | ASKED | hashed))
    assert event["prompt_fp"] == KEYS.digest("prompt", "sha256:a3f2b8c9")
    assert "template_fp" not in event
    said = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "write a poem of 12 lines"}
    event = _event(one(CHAT | ASKED | hashed | said))
    assert event["prompt_fp"] == KEYS.prompt_fp("write a poem of 12 lines")
    assert event["template_fp"] == KEYS.template_fp("write a poem of 12 lines")


# --- Nothing of the text --------------------------------------------------------------------------

CANARIES = (
    "Canary, what is the capital of Peru?",
    "canary.of.the.tests@example.org",
    "Bearer sk-canary-0123456789abcdef",
    "203.0.113.77",
    "CanaryBrowser/9.9 (X11; Canary)",
    '[{"role": "user", "content": "Canary? (of 1 test)"}]',
)
SEEN = re.compile(rb"canary|peru|203\.0\.113|sk-0", re.IGNORECASE)
NAMES = sorted(
    {
        *re.findall(
            r'\'"([^"]+)"', (files("streams.intake") / "formats" / "otel.toml").read_text()
        ),
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"),
        *("gen_ai.prompt", "gen_ai.completion", "gen_ai.prompt.0.content", "llm.prompts.0.content"),
        *("gen_ai.completion.0.content", "llm.input_messages.0.message.content", "input.value"),
        *("output.value", "llm.invocation_parameters", "gen_ai.tool.definitions", "metadata"),
        *("llm.output_messages.0.message.content", "exception.message", "exception.type"),
        *("error.type", "error.message", "http.response.status_code", "event.name", "unheard.of"),
        *("gen_ai.guardrail.security.content.input.hash", "gen_ai.response.id", "url.full"),
        *(
            "gen_ai.response.finish_reasons",
            "litellm.api_key.hash",
            "http.request.header.authorization",
        ),
    }
)


@pytest.mark.parametrize("name", NAMES)
def test_a_canary_in_any_attribute_is_found_nowhere(name: str) -> None:
    for canary in CANARIES:

        def make(tracer: Tracer, canary: str = canary) -> None:
            span = tracer.start_span(canary, attributes=CHAT | ASKED | {name: canary})
            span.add_event(canary, {name: canary})
            span.add_event("exception", {name: canary, "exception.message": canary})
            span.set_status(Status(StatusCode.ERROR, canary))
            span.end()
            tracer.start_span(
                "chat", attributes=CURRENT | {"enduser.id": "bob", name: [canary]}
            ).end()
            tracer.start_span("chat", attributes={"user.id": "cid", name: canary}).end()

        request = made(make, {name: canary, "service.name": canary})
        scope = request.resource_spans[0].scope_spans[0].scope
        scope.name = scope.version = canary
        request.resource_spans[0].scope_spans[0].spans[1].trace_state = canary
        for body in (request.SerializeToString(), as_json(request), as_base64(request)):
            outcome = _convert(body)
            assert len(outcome.events) + len(outcome.refused) + outcome.passed_over.total() == 3
            assert SEEN.search(repr(outcome).encode()) is None


def test_a_canary_in_a_body_that_cannot_be_read_is_found_nowhere() -> None:
    whole = one(CHAT | {"user.id": CANARIES[1]} | {"gen_ai.prompt": CANARIES[0]})
    for body in (whole.SerializeToString(), as_json(whole), as_base64(whole)):
        for cut in range(1, len(body), 7):
            assert SEEN.search(repr(_convert(body[:cut])).encode()) is None


@given(
    st.dictionaries(
        st.sampled_from([n for n in NAMES if not n.startswith("otel.")]),
        st.one_of(
            st.text(),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(),
            st.booleans(),
            st.lists(st.text(), max_size=3),
        ),
        max_size=6,
    )
)
def test_whatever_attributes_say_events_are_valid_and_the_same_from_each_encoding(
    values: dict[str, Any],
) -> None:
    request = one(CHAT | ASKED | values)
    outcome = _convert(request.SerializeToString())
    assert _convert(as_json(request)) == outcome
    assert all(refused.reason != "failed" for refused in outcome.refused)
    for event in outcome.events:
        VALID.validate(orjson.loads(event.value))


# --- The real SDK, sending ------------------------------------------------------------------------


def test_links_and_a_trace_state_are_read_over() -> None:
    link = Link(SpanContext(1, 2, is_remote=True), {"user.id": "no"})
    request = made(lambda t: t.start_span("chat", links=[link], attributes=CHAT | ASKED).end())
    assert _event(request)["account_id"] == KEYS.digest("account", "ann")


def _op(name: str) -> dict[str, str]:
    return {"gen_ai.operation.name": name}


def _convert(body: bytes, name: str = "otel_spans") -> Outcome:
    return Converter(keys=KEYS).convert(name, body, received_ms=LATER)


def _event(request: Any) -> dict[str, Any]:
    (event,) = _convert(request.SerializeToString()).events
    made: dict[str, Any] = orjson.loads(event.value)
    return made
