"""What the shipped formats make of records as gateways write them."""

from __future__ import annotations

import gzip
import json
from functools import cache

import pytest
from jsonschema import Draft202012Validator

from streams.intake.convert import Converter, UnknownFormatError
from streams.intake.outcome import Event, Refused
from tests.places import TESTS
from tests.streams.intake.gateway_samples import (
    FORMATS,
    KEYS,
    RECEIVED_MS,
    Sample,
    events,
    named,
    samples,
)

SCHEMA = Draft202012Validator(
    json.loads((TESTS / "contract" / "request-event.v1.schema.json").read_text())
)


@cache
def converter(account: str | None = None) -> Converter:
    return Converter(keys=KEYS, account=account, stamp=False)


def body_of(*records: object) -> bytes:
    return json.dumps(list(records)).encode()


@pytest.mark.parametrize("sample", samples(), ids=named)
def test_a_record_becomes_what_it_says(sample: Sample) -> None:
    (result,) = converter().results(
        sample.format, json.dumps(sample.record).encode(), received_ms=RECEIVED_MS
    )
    what = result.what
    if isinstance(what, Event):
        assert json.loads(what.value) == sample.becomes["event"]
        assert what.key.decode() == sample.becomes["event"]["account_id"]
        assert list(result.unusable) == sample.becomes.get("unusable", [])
        SCHEMA.validate(json.loads(what.value))
    elif isinstance(what, Refused):
        assert (what.reason, what.detail) == (sample.becomes["refused"], sample.becomes["detail"])
    else:
        assert what.reason == sample.becomes["passed_over"]


@pytest.mark.parametrize("gateway", FORMATS)
def test_the_form_of_a_body_makes_no_difference(gateway: str) -> None:
    records = [sample.record for sample in samples(gateway)]
    lines = [json.dumps(record) for record in records]
    array = converter().convert(gateway, body_of(*records), received_ms=RECEIVED_MS)
    assert array.events
    for body in (
        "\n".join(lines).encode(),
        "\r\n\n".join(lines).encode() + b"\n",
        b"\xef\xbb\xbf" + "\n".join(f"[{line}]" for line in lines).encode(),
        json.dumps(records, indent=2).encode(),
        gzip.compress("\n".join(lines).encode()),
    ):
        assert converter().convert(gateway, body, received_ms=RECEIVED_MS) == array


@pytest.mark.parametrize("gateway", FORMATS)
def test_a_bad_record_never_costs_its_batch(gateway: str) -> None:
    good = events(gateway)[0].record
    lines = [json.dumps(good), "{", "17", "null", json.dumps(good), '"text"', json.dumps(good)[:-9]]
    outcome = converter().convert(gateway, "\n".join(lines).encode(), received_ms=RECEIVED_MS)
    assert len(outcome.events) == 2
    assert [(one.position, one.reason) for one in outcome.refused] == [
        *((1, "unreadable"), (2, "not_an_object"), (3, "not_an_object")),
        *((5, "not_an_object"), (6, "unreadable")),
    ]


@pytest.mark.parametrize("gateway", FORMATS)
def test_the_same_record_sent_again_makes_the_same_event(gateway: str) -> None:
    body = body_of(*(sample.record for sample in samples(gateway)))
    first = converter().convert(gateway, body, received_ms=RECEIVED_MS)
    later = converter().convert(gateway, body, received_ms=RECEIVED_MS + 60_000)
    ids = [[json.loads(event.value)["event_id"] for event in o.events] for o in (first, later)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize("gateway", FORMATS)
@pytest.mark.parametrize("nobody", [None, "", "-", " ", "anonymous", "default_user_id", "NULL"])
def test_nobody_is_no_account(gateway: str, nobody: object) -> None:
    record = {**events(gateway)[0].record, "who": nobody}
    outcome = converter(account="who").convert(gateway, body_of(record), received_ms=RECEIVED_MS)
    assert not outcome.events
    assert outcome.passed_over == {"nameless": 1}


@pytest.mark.parametrize("gateway", FORMATS)
def test_the_account_can_be_any_field(gateway: str) -> None:
    record = {**events(gateway)[0].record, "who": {"id": 17}}
    outcome = converter(account="who.id").convert(gateway, body_of(record), received_ms=RECEIVED_MS)
    assert [event.key.decode() for event in outcome.events] == [KEYS.digest("account", "17")]


def test_one_person_has_one_digest_whatever_the_gateway() -> None:
    accounts = {
        json.loads(event.value)["account_id"]
        for gateway in FORMATS
        for event in converter()
        .convert(gateway, body_of(events(gateway)[0].record), received_ms=RECEIVED_MS)
        .events
    }
    assert accounts == {KEYS.digest("account", "u-17")}


@pytest.mark.parametrize("sample", [events(name)[0] for name in FORMATS], ids=named)
def test_a_record_without_any_of_its_fields_costs_nothing_but_itself(sample: Sample) -> None:
    for name in sample.record:
        without = {k: v for k, v in sample.record.items() if k != name}
        strange = (None, "", [], {}, 0, -1, 1e400, True, "x" * 3000, [{"a": 1}])
        bodies = [without, *({**without, name: value} for value in strange)]
        outcome = converter().convert(sample.format, body_of(*bodies), received_ms=RECEIVED_MS)
        assert "failed" not in {one.reason for one in outcome.refused}, name
        whole = len(outcome.events) + len(outcome.refused) + outcome.passed_over.total()
        assert whole == len(bodies)
        for event in outcome.events:
            SCHEMA.validate(json.loads(event.value))


def test_wrapped_batches_are_taken_apart() -> None:
    record = events("litellm")[0].record
    for body in ({"batch": [record, record]}, [{"standard_logging_object": record}] * 2):
        outcome = converter().convert("litellm", json.dumps(body).encode(), received_ms=RECEIVED_MS)
        assert len(outcome.events) == 2


def test_a_format_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownFormatError, match="'litelm' is no format; known are litellm, "):
        converter().convert("litelm", b"{}", received_ms=0)


def test_an_event_of_the_future_is_stamped_with_its_receipt() -> None:
    record = {**events("nginx")[0].record, "msec": "1999999999.000"}
    (event,) = (
        Converter(keys=KEYS).convert("nginx", body_of(record), received_ms=RECEIVED_MS).events
    )
    assert event.timestamp_ms == RECEIVED_MS
    assert json.loads(event.value)["event_time"] == 1_999_999_999_000
    assert json.loads(event.value)["ingest_time"] == RECEIVED_MS


def test_a_body_of_nothing_is_refused_once() -> None:
    for body in (b"", b" \n", b"\xef\xbb\xbf"):
        outcome = converter().convert("kong", body, received_ms=0)
        assert [one.reason for one in outcome.refused] == ["unreadable"]
    assert converter().convert("kong", b"[]", received_ms=0) == converter().convert(
        "kong", b"[]", received_ms=1
    )


def test_a_request_without_an_id_has_one_of_what_it_says() -> None:
    record = {k: v for k, v in events("nginx")[0].record.items() if k != "request_id"}
    other = {**record, "status": "500"}
    outcome = converter().convert("nginx", body_of(record, other, record), received_ms=RECEIVED_MS)
    first, second, third = (json.loads(event.value)["event_id"] for event in outcome.events)
    assert first == third != second


@pytest.mark.parametrize("gateway", FORMATS)
def test_what_is_left_out_in_decoding_changes_nothing(gateway: str) -> None:
    for sample in samples(gateway):
        plain = json.dumps(sample.record).encode()
        # NaN is no JSON: such a body is decoded whole, by the standard library.
        strange = json.dumps({**sample.record, "no such member": float("nan")}).encode()
        outcomes = [
            converter().convert(gateway, b, received_ms=RECEIVED_MS) for b in (plain, strange)
        ]
        assert outcomes[0] == outcomes[1]
