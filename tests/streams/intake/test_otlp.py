"""OTLP as bytes: protobuf and JSON say the same, and one wrong span costs no other."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, TracesData
from opentelemetry.trace import Tracer

from streams.intake.otel_bodies import log_records, span_records
from streams.intake.outcome import MISSING, NOT_AN_OBJECT, NOT_USABLE, UNREADABLE, Problem
from tests.streams.intake.otel_samples import CHAT, CURRENT, as_base64, as_json, made, one

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
NOW = 1_777_026_031_000_000_000


def test_protobuf_and_json_of_the_same_spans_are_the_same_records() -> None:
    def make(tracer: Tracer) -> None:
        tracer.start_span("chat", attributes=CURRENT | {"user.id": "ann"}).end()
        tracer.start_span("chat", attributes=CHAT | {"user.id": "bob", "n": float("nan")}).end()

    request = made(make)
    plain = list(span_records(request.SerializeToString()))
    assert [record["user.id"] for _, record in plain if isinstance(record, dict)] == ["ann", "bob"]
    assert list(span_records(as_json(request))) == plain
    assert list(span_records(as_base64(request))) == plain


def test_several_requests_a_file_are_read_in_each_encoding() -> None:
    requests = [one(CHAT | {"user.id": name}) for name in ("ann", "bob", "cid")]
    lines = b"\n".join(map(as_json, requests))
    array = orjson.dumps([orjson.loads(as_json(request)) for request in requests])
    packed = b"\r\n".join(map(as_base64, requests)) + b"\n"
    for body in (lines, array, packed):
        records = list(span_records(body))
        assert [position for position, _ in records] == [0, 1, 2]
        assert [_user(record) for _, record in records] == ["ann", "bob", "cid"]


def test_a_line_that_is_nothing_costs_no_other() -> None:
    good = as_base64(one(CHAT | {"user.id": "ann"}))
    records = [record for _, record in span_records(b"\n".join((b"!?", good, good[:40], good)))]
    assert [_user(record) for record in records] == [UNREADABLE, "ann", UNREADABLE, "ann"]


def test_generic_encoders_names_and_enums_are_read_too() -> None:
    body = {
        "resource_spans": [
            {
                "scope_spans": [
                    {
                        "spans": [
                            {
                                "trace_id": "AQIDBAUGBwgJCgsMDQ4PEA==",
                                "span_id": "AQIDBAUGBwg=",
                                "kind": "SPAN_KIND_CLIENT",
                                "start_time_unix_nano": NOW - 5_000_000,
                                "end_time_unix_nano": float(NOW),
                                "status": {"code": "STATUS_CODE_ERROR"},
                                "unknown": [1, {"a": 2}],
                                "attributes": [
                                    {
                                        "key": "gen_ai.operation.name",
                                        "value": {"string_value": "chat"},
                                    },
                                    {"key": "count", "value": {"int_value": 5}},
                                    {"key": "rate", "value": {"double_value": "NaN"}},
                                    {"key": "raw", "value": {"bytes_value": "aGk="}},
                                ],
                            }
                        ]
                    }
                ]
            }
        ]
    }
    ((_, record),) = span_records(orjson.dumps(body))
    assert isinstance(record, dict)
    assert record["otel.event_id"] == f"{TRACE.hex()}-{SPAN.hex()}"
    assert (record["otel.end_ms"], record["otel.latency_ms"]) == (NOW // 1_000_000, 5)
    assert (record["count"], record["rate"], record["raw"]) == (5, "NaN", "hi")
    assert record["otel.failed"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trace_id": bytes(16)}, MISSING),
        ({"trace_id": b"short"}, MISSING),
        ({"span_id": bytes(8)}, MISSING),
        ({"span_id": b""}, MISSING),
        ({"end_time_unix_nano": 0}, MISSING),
        ({"start_time_unix_nano": 0}, MISSING),
        ({"start_time_unix_nano": NOW + 1}, NOT_USABLE),
    ],
)
def test_a_request_without_usable_ids_or_times_is_refused_alone(
    changes: dict[str, Any], reason: str
) -> None:
    request = _request(_span() | changes, _span())
    for body in (request.SerializeToString(), as_json(request)):
        wrong, right = (record for _, record in span_records(body))
        assert isinstance(wrong, Problem)
        assert wrong.reason == reason
        assert isinstance(right, dict)


def test_protobuf_that_is_cut_short_gives_what_came_before() -> None:
    whole = _request(_span(), _span()).SerializeToString() + _request(_span()).SerializeToString()
    for length in range(2, len(whole)):  # the first byte alone is a line end
        records = [record for _, record in span_records(whole[:length])]
        kept = [record for record in records if isinstance(record, dict)]
        assert len(kept) <= 2
        assert len(kept) == 2 or isinstance(records[-1], Problem)
    assert all(isinstance(record, dict) for _, record in span_records(whole))


def test_a_span_of_a_wrong_wire_type_or_no_utf8_costs_no_other() -> None:
    good = Span(**_span()).SerializeToString()
    no_text = good.replace(b"large-5", b"large\xff\xfe")
    number_for_a_message = b"\x4a\x03\xff\xff\xff" + good  # attributes (9) that are no KeyValue
    scope = b"".join(
        b"\x12" + bytes([len(s) & 0x7F | 0x80, len(s) >> 7]) + s
        for s in (good, no_text, number_for_a_message, good)
    )
    body = _nested(_nested(scope, 2), 1)
    records = [record for _, record in span_records(body)]
    assert [type(record) for record in records] == [dict, Problem, Problem, dict]
    assert {r.reason for r in records if isinstance(r, Problem)} == {UNREADABLE}


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (b"{}", []),
        (b"", []),
        (b'{"resourceSpans": []}', []),
        (b'{"resourceMetrics": []}', [NOT_USABLE]),
        (b'{"resourceSpans": {}}', [NOT_USABLE]),
        (b'{"resourceSpans": [7]}', [NOT_AN_OBJECT]),
        (b'{"resourceSpans": [{"scopeSpans": [null]}]}', [NOT_AN_OBJECT]),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": ["a", {}]}]}]}', [NOT_AN_OBJECT]),
        (b"[1]", [NOT_AN_OBJECT]),
        (b'{"resourceSpans": [', [UNREADABLE]),
        (b"\x00\x01\x02", [UNREADABLE]),
        (b"\x0a\x7f", [UNREADABLE]),
    ],
)
def test_what_is_no_otlp_is_refused_with_the_reason(body: bytes, reasons: list[str]) -> None:
    for read in (span_records, log_records):
        found = [record.reason for _, record in read(body) if isinstance(record, Problem)]
        assert found == reasons


def test_what_is_nested_too_deep_is_left_out_and_costs_nothing_else() -> None:
    value = AnyValue(string_value="deep")
    for _ in range(40):
        value = AnyValue(array_value=ArrayValue(values=[value]))
    span = Span(**_span())
    span.attributes.append(KeyValue(key="deep", value=value))
    request = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    ((_, one_way),) = span_records(request.SerializeToString())
    ((_, other),) = span_records(as_json(request))
    assert one_way == other
    assert isinstance(one_way, dict)
    assert b"deep" in orjson.dumps(list(one_way))
    assert b'"deep"' not in orjson.dumps(one_way["deep"])
    ((_, refused),) = span_records(b'{"resourceSpans":' + b"[" * 100_000)
    assert isinstance(refused, Problem)


VALUES = st.recursive(
    st.one_of(
        st.builds(AnyValue),
        st.builds(AnyValue, string_value=st.text()),
        st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
        st.builds(AnyValue, double_value=st.floats()),
        st.builds(AnyValue, bool_value=st.booleans()),
        st.builds(AnyValue, bytes_value=st.binary()),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(
            lambda values: AnyValue(array_value=ArrayValue(values=values))
        ),
        st.dictionaries(st.text(), inner, max_size=4).map(
            lambda of: AnyValue(
                kvlist_value=KeyValueList(values=[KeyValue(key=k, value=v) for k, v in of.items()])
            )
        ),
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=8))
def test_any_attributes_are_read_alike_from_protobuf_and_json(values: dict[str, AnyValue]) -> None:
    span = Span(**_span())
    span.attributes.extend(KeyValue(key=key, value=value) for key, value in values.items())
    request = TracesData(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    assert list(span_records(request.SerializeToString())) == list(span_records(as_json(request)))


KINDS_OF_VALUES = [
    "",
    "stringValue",
    "intValue",
    "doubleValue",
    "boolValue",
    "arrayValue",
    "kvlistValue",
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "key",
                    "value",
                    "stringValue",
                    "intValue",
                    "arrayValue",
                    "values",
                    "kvlistValue",
                    "name",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(ANYTHING, st.sampled_from(["attributes", "status", "events", "traceId", "kind", "name"]))
def test_no_shape_of_json_is_a_crash(value: Any, where: str) -> None:
    request = orjson.loads(as_json(_request(_span(), _span())))
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0][where] = value
    try:
        body = orjson.dumps(request)
    except TypeError:  # a number that no JSON of 64 bits has
        return
    _, (_, second) = records = list(span_records(body))
    assert isinstance(second, dict)
    # An empty object beside it has no shape that is usual: all is read the slower way, to the same.
    assert list(span_records(b"[" + body + b", {}]")) == records


@given(ANYTHING, st.sampled_from(KINDS_OF_VALUES))
def test_an_attribute_of_any_shape_is_read_alike_in_both_ways(value: Any, kind: str) -> None:
    request = orjson.loads(as_json(_request(_span())))
    pair = {"key": "a", "value": {kind: value, "bytesValue": "aGk="} if kind else value}
    request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"].append(pair)
    try:
        body = orjson.dumps(request)
    except TypeError:  # a number that no JSON of 64 bits has
        return
    assert list(span_records(b"[" + body + b", {}]")) == list(span_records(body))


@given(st.binary(max_size=200))
def test_no_bytes_are_a_crash(body: bytes) -> None:
    for read in (span_records, log_records):
        for _, record in read(body):
            assert not isinstance(record, dict)


def _span() -> dict[str, Any]:
    return {
        "trace_id": TRACE,
        "span_id": SPAN,
        "start_time_unix_nano": NOW - 1_500_000_000,
        "end_time_unix_nano": NOW,
        "attributes": [
            KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat")),
            KeyValue(key="gen_ai.request.model", value=AnyValue(string_value="large-5")),
        ],
    }


def _request(*spans: dict[str, Any]) -> TracesData:
    scope = ScopeSpans(spans=[Span(**span) for span in spans])
    return TracesData(resource_spans=[ResourceSpans(scope_spans=[scope])])


def _nested(inner: bytes, number: int) -> bytes:
    size = len(inner)
    return bytes([number << 3 | 2, size & 0x7F | 0x80, size >> 7]) + inner


def _user(record: Any) -> str:
    return str(record.reason if isinstance(record, Problem) else record["user.id"])
