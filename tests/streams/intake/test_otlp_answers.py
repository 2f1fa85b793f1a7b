"""OTLP's answers are what an OTLP client reads."""

from __future__ import annotations

import json

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from streams.intake.otlp_answers import JSON, PROTOBUF, Kind, nothing_read
from streams.intake.outcome import MISSING, UNREADABLE, Event, Outcome, Refused

BAD = Refused(3, MISSING, "no model")


def test_success_without_a_fault_says_nothing() -> None:
    for signal in ("traces", "logs"):
        assert Kind(signal, PROTOBUF).success(Outcome()) == b""
        assert json.loads(Kind(signal, JSON).success(Outcome())) == {}


def test_what_was_refused_is_a_partial_success_and_the_rest_is_not_sent_again() -> None:
    outcome = Outcome(events=[Event(b"a", b"{}", 0)], refused=[BAD, BAD])
    traces = ExportTraceServiceResponse.FromString(Kind("traces", PROTOBUF).success(outcome))
    assert traces.partial_success.rejected_spans == 2
    assert traces.partial_success.error_message == "no model"
    logs = ExportLogsServiceResponse.FromString(Kind("logs", PROTOBUF).success(outcome))
    assert logs.partial_success.rejected_log_records == 2
    said = json.loads(Kind("traces", JSON).success(outcome))
    assert (
        said["partialSuccess"]["rejectedSpans"] == "2"
    )  # a 64-bit integer, as protobuf's JSON has it
    said = json.loads(Kind("logs", JSON).success(outcome))
    assert said["partialSuccess"]["rejectedLogRecords"] == "2"


@pytest.mark.parametrize(("status", "code"), [(400, 3), (401, 16), (429, 8), (503, 14), (418, 2)])
def test_a_refusal_is_a_status_that_the_client_can_read(status: int, code: int) -> None:
    message = "come again, " * 30
    read = Status.FromString(Kind("traces", PROTOBUF).status(status, message))
    assert read.code == code
    assert message.startswith(read.message)
    assert json.loads(Kind("logs", JSON).status(status, "no")) == {"code": code, "message": "no"}


def test_the_content_type_decides_and_an_unknown_one_has_no_format() -> None:
    assert Kind("traces", PROTOBUF).format == Kind("traces", JSON).format == "otel_spans"
    assert Kind("logs", PROTOBUF).format == "otel_logs"
    assert Kind("traces", "text/plain").format is None
    assert Kind("traces", "text/plain").answers_in == JSON


def test_a_body_that_is_no_otlp_is_told_from_one_with_a_bad_span() -> None:
    assert nothing_read(Outcome(refused=[Refused(0, UNREADABLE, "no protobuf")]))
    assert not nothing_read(Outcome(refused=[BAD]))
    assert not nothing_read(Outcome())
