"""What is derived of a span or a log record, beside its attributes."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import orjson
import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs, ScopeLogs
from opentelemetry.trace import Status, StatusCode, Tracer

from streams.intake.otel_bodies import log_records, span_records
from streams.intake.outcome import MISSING, NO_INFERENCE, PassedOver, Problem
from tests.streams.intake.otel_samples import CHAT, OPENINFERENCE, as_base64, as_json, made, one

NOW = 1_777_026_031_000_000_000
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
DETAILS = "gen_ai.client.inference.operation.details"


@pytest.mark.parametrize(
    ("attributes", "status", "error_class"),
    [
        ({}, 200, None),
        ({"http.response.status_code": 201}, 201, None),
        ({"http.response.status_code": 429}, 429, "other"),
        ({"error.type": "429"}, 429, None),
        ({"error.type": 503}, 503, None),
        ({"error.type": "RateLimitError"}, 429, "RateLimitError"),
        ({"error.type": "rate_limit_exceeded"}, 429, "rate_limit_exceeded"),
        ({"error.type": "openai.AuthenticationError"}, 401, "AuthenticationError"),
        ({"error.type": "timeout"}, None, "timeout"),
        ({"error.type": "java.net.UnknownHostException"}, None, "UnknownHostException"),
        ({"error.type": "_OTHER"}, None, "other"),
        ({"error.type": "Please, write me a poem"}, None, "other"),
        ({"error.type": "ann@example.org"}, None, "other"),
        ({"error.type": "timeout", "http.status_code": "504"}, 504, "timeout"),
    ],
)
def test_how_a_request_ended_is_told_by_text_codes_and_numbers(
    attributes: dict[str, Any], status: int | None, error_class: str | None
) -> None:
    record = _only(one(CHAT | attributes))
    assert (record["otel.status"], record["otel.error_class"]) == (status, error_class)


def test_an_exception_tells_the_class_of_an_error_and_a_status_alone_that_there_was_one() -> None:
    def fail(tracer: Tracer, exception: Exception | None) -> None:
        span = tracer.start_span("chat", attributes=CHAT)
        if exception is not None:
            span.record_exception(exception)
        span.set_status(Status(StatusCode.ERROR, "ann@example.org sent a prompt"))
        span.end()

    class NotFoundError(Exception):
        pass

    raised = _only(made(lambda tracer: fail(tracer, NotFoundError())))
    assert raised["otel.failed"]
    assert raised["otel.status"] == 404
    assert (
        raised["otel.error_class"].endswith("NotFoundError")
        or raised["otel.error_class"] == "other"
    )
    assert "ann@example.org" not in str(raised)
    silent = _only(made(lambda tracer: fail(tracer, None)))
    assert (silent["otel.failed"], silent["otel.status"], silent["otel.error_class"]) == (
        True,
        None,
        "other",
    )


def test_a_request_that_was_broken_off_was_answered() -> None:
    for answered in ({"gen_ai.response.time_to_first_chunk": 0.4}, {"gen_ai.response.id": "x"}):
        record = _only(one(CHAT | answered | {"error.type": "RateLimitError"}))
        assert (record["otel.failed"], record["otel.status"]) == (True, 200)


def test_whom_a_resource_or_scope_names_is_taken_where_the_span_names_nobody() -> None:
    resource = {"user.id": "ann", "client.address": "192.0.2.7", "gen_ai.request.model": "no"}
    of_resource = _only(made(lambda t: t.start_span("chat", attributes=CHAT).end(), resource))
    assert of_resource["user.id"] == "ann"
    assert "client.address" not in of_resource
    assert of_resource["gen_ai.request.model"] == "large-5"
    of_span = made(
        lambda t: t.start_span("chat", attributes=CHAT | {"user.id": "bob"}).end(), resource
    )
    assert _only(of_span)["user.id"] == "bob"


@pytest.mark.parametrize(
    ("attributes", "stream"),
    [
        ({}, None),
        ({"gen_ai.request.stream": False}, False),
        ({"llm.is_streaming": "True"}, True),
        ({"gen_ai.is_streaming": "False"}, False),
        ({"gen_ai.is_streaming": "what"}, None),
        ({"litellm.request.streaming": True}, True),
        ({"gen_ai.response.time_to_first_chunk": 0.2}, True),
        ({"llm.invocation_parameters": '{"stream": true}'}, True),
        ({"llm.invocation_parameters": '{"stream": tru'}, None),
        ({"gen_ai.request.stream": ["True"]}, None),
    ],
)
def test_streaming_is_said_in_many_ways(attributes: dict[str, Any], stream: bool | None) -> None:
    assert _only(one(CHAT | attributes))["otel.stream"] is stream


@pytest.mark.parametrize(
    ("attributes", "count"),
    [
        ({}, None),
        ({"gen_ai.tool.definitions": '[{"name": "a"}, {"name": "b"}]'}, 2),
        ({"gen_ai.tool.definitions": "[{"}, None),
        ({"litellm.request.tools.declared": 3}, 3),
        ({"llm.tools.0.tool.json_schema": "{}", "llm.tools.1.tool.json_schema": "{}"}, 2),
        ({"llm.request.functions.0.name": "a", "llm.request.functions.0.parameters": "{}"}, 1),
        ({"gen_ai.tool.name": "a"}, None),
        ({"llm.invocation_parameters": '{"tools": [{}, {}, {}]}'}, 3),
    ],
)
def test_tools_are_counted_however_they_are_listed(
    attributes: dict[str, Any], count: int | None
) -> None:
    assert _only(one(CHAT | attributes))["otel.tool_count"] == count


PARTS = [
    {"type": "text", "content": "one"},
    {"type": "uri", "uri": "x"},
    {"type": "text", "content": "two"},
]
SAID = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one\ntwo"}]


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.system_instructions": orjson.dumps(
                [{"type": "text", "content": "be brief"}]
            ).decode(),
            "gen_ai.input.messages": orjson.dumps([{"role": "user", "parts": PARTS}]).decode(),
        },
        {
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "be brief",
            "llm.input_messages.1.message.role": "user",
            "llm.input_messages.1.message.contents.0.message_content.text": "one",
            "llm.input_messages.1.message.contents.1.message_content.image.image.url": "x",
            "llm.input_messages.1.message.contents.2.message_content.text": "two",
        },
        {
            "gen_ai.prompt.0.role": "system",
            "gen_ai.prompt.0.content": "be brief",
            "gen_ai.prompt.1.role": "user",
            "gen_ai.prompt.1.content": '[{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]',
        },
        {
            "llm.prompts.1.role": "user",
            "llm.prompts.1.content": "one\ntwo",
            "llm.prompts.0.role": "system",
            "llm.prompts.0.content": "be brief",
        },
        {"gen_ai.prompt": orjson.dumps(SAID).decode()},
        {"gen_ai.prompt": orjson.dumps({"messages": SAID}).decode()},
    ],
)
def test_messages_are_found_in_each_dialect(attributes: dict[str, Any]) -> None:
    assert _only(one(CHAT | attributes))["otel.messages"] == SAID


def test_messages_are_found_in_events_of_a_span() -> None:
    def make(tracer: Tracer) -> None:
        span = tracer.start_span("chat", attributes=CHAT)
        span.add_event("gen_ai.system.message", {"content": "be brief"})
        span.add_event("gen_ai.user.message", {"content": "one\ntwo"})
        span.add_event("gen_ai.choice", {"message": "an answer"})
        span.end()

    assert _only(made(make))["otel.messages"] == SAID


def test_an_event_of_details_on_a_span_fills_what_the_span_lacks() -> None:
    def make(tracer: Tracer) -> None:
        span = tracer.start_span("chat", attributes=CHAT)
        span.add_event(DETAILS, {"gen_ai.request.temperature": 0.5, "gen_ai.request.model": "no"})
        span.add_event("finding", {"gen_ai.guardrail.security.content.input.hash": "sha256:ab"})
        span.end()

    record = _only(made(make))
    assert record["gen_ai.request.temperature"] == 0.5
    assert record["gen_ai.request.model"] == "large-5"
    assert record["gen_ai.guardrail.security.content.input.hash"] == "sha256:ab"


def test_no_attribute_takes_the_place_of_what_is_derived() -> None:
    record = _only(one(CHAT | {"otel.event_id": "mine", "otel.status": 1, "otel.end_ms": 7}))
    assert record["otel.event_id"] != "mine"
    assert record["otel.status"] == 200
    assert record["otel.end_ms"] > 7


@pytest.mark.parametrize(
    "as_body", [lambda request: request.SerializeToString(), as_json, as_base64]
)
def test_a_log_record_of_details_is_a_request(as_body: Any) -> None:
    log = _log(CHAT | {"user.id": "ann"}, event_name=DETAILS, trace_id=TRACE, span_id=SPAN)
    ((_, record),) = log_records(as_body(_logs(log)))
    assert isinstance(record, dict)
    assert record["otel.event_id"] == f"{TRACE.hex()}-{SPAN.hex()}"
    assert record["otel.end_ms"] == NOW // 1_000_000
    assert record["otel.latency_ms"] is None
    assert record["user.id"] == "ann"


def test_a_log_record_may_have_its_name_and_attributes_in_other_places() -> None:
    named = _log(CHAT | {"event.name": DETAILS})
    pairs = [KeyValue(key=k, value=_any(v)) for k, v in CHAT.items()]
    in_body = _log({}, event_name=DETAILS, body=AnyValue(kvlist_value=KeyValueList(values=pairs)))
    nameless = _log(CHAT)  # a gateway's access log
    observed = _log(CHAT, event_name=DETAILS, time_unix_nano=0, observed_time_unix_nano=NOW)
    for log in (named, in_body, nameless, observed):
        for body in (_logs(log).SerializeToString(), as_json(_logs(log))):
            ((_, record),) = log_records(body)
            assert isinstance(record, dict)
            assert record["gen_ai.request.model"] == "large-5"
            assert record["otel.end_ms"] == NOW // 1_000_000


def test_a_log_record_outside_a_trace_has_an_id_that_its_repetition_has_too() -> None:
    first, other = _log(CHAT, event_name=DETAILS), _log(CHAT | {"user.id": "x"}, event_name=DETAILS)
    ids = [
        record["otel.event_id"]
        for body in (_logs(first, other).SerializeToString(), as_json(_logs(first)))
        for _, record in log_records(body)
        if isinstance(record, dict)
    ]
    assert len(set(ids)) == 2
    assert ids[2] == ids[0]


def test_other_events_of_a_request_are_not_another_request() -> None:
    for name in (
        *("gen_ai.user.message", "gen_ai.choice", "gen_ai.evaluation.result"),
        "gen_ai.client.operation.exception",
    ):
        ((_, record),) = log_records(_logs(_log(CHAT, event_name=name)).SerializeToString())
        assert record == PassedOver(NO_INFERENCE)
    ((_, timeless),) = log_records(
        _logs(_log(CHAT, event_name=DETAILS, time_unix_nano=0)).SerializeToString()
    )
    assert isinstance(timeless, Problem)
    assert timeless.reason == MISSING


def _any(value: Any) -> AnyValue:
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)


def _log(attributes: dict[str, Any], **more: Any) -> LogRecord:
    pairs = [KeyValue(key=key, value=_any(value)) for key, value in attributes.items()]
    return LogRecord(**({"time_unix_nano": NOW, "attributes": pairs} | more))


def _logs(*logs: LogRecord) -> LogsData:
    return LogsData(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=logs)])])


def _only(request: Any) -> dict[str, Any]:
    ((_, record),) = span_records(request.SerializeToString())
    assert isinstance(record, dict)
    assert list(span_records(as_json(request))) == [(0, record)]
    return record


def test_parameters_within_json_are_read() -> None:
    assert _only(one(OPENINFERENCE))["otel.parameters"]["temperature"] == 0.5


def test_the_mapping_has_no_attribute_twice() -> None:
    table = tomllib.loads((files("streams.intake") / "formats" / "otel.toml").read_text())
    for sources in table.values():
        if isinstance(sources, list):
            assert len(set(map(str, sources))) == len(sources)
