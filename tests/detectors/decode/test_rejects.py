"""Which records are set aside, and why."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from detectors.contract.request_event import EARLIEST_MS, LATEST_MS
from detectors.decode import slow as decode_slow
from detectors.decode.control_events import RejectedControl, decode_control
from detectors.decode.decoder import Decoder
from detectors.decode.rejects import DECODER_FAILED, MOST_BYTES, REASONS, Rejected
from tests.least_event import KEY, MINIMAL

GOOD = json.dumps(MINIMAL).encode()


def raw(**changes: Any) -> bytes:
    return json.dumps(MINIMAL | changes).encode()


def without(name: str) -> bytes:
    return json.dumps({k: v for k, v in MINIMAL.items() if k != name}).encode()


def padded(size: int) -> bytes:
    return raw(pad="x" * (size - len(raw(pad=""))))


BAD: dict[str, list[bytes | None]] = {
    "null_value": [None],
    "too_large": [padded(MOST_BYTES + 1), b"\xff" * (MOST_BYTES + 1)],
    "not_utf8": [
        raw(pad="x").replace(b'"x"', b'"\xff"'),
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\xff\xfe",
    ],
    "too_deep": [
        b"[" * 60_000,
        b'{"a":' * 10_000,
        raw(pad=0).replace(b": 0}", b": " + b"[" * 32 + b"]" * 32 + b"}"),
    ],
    "not_json": [
        b"",
        b" ",
        b"{",
        GOOD[:-1],
        GOOD + b"}",
        GOOD + GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"812", b"0812"),
        GOOD.replace(b"812", b"+812"),
        GOOD.replace(b"812", b"812."),
        GOOD.replace(b"812", b"NaN"),
        GOOD.replace(b"812", b"-Infinity"),
        GOOD.replace(b"812", b"0x1f"),
        GOOD[:-1] + b",}",
        GOOD[:-1] + b',"pad":NaN}',
        GOOD[:-1] + b',"pad":.5}',
        GOOD[:-1] + b',"pad":"\\ud800"}',
        GOOD[:-1] + b',"pad":"a\nb"}',
        GOOD[:-1] + b',"pad":"\x00"}',
        GOOD[:-1] + b',"pad":"\\x41"}',
        GOOD[:-1] + b',"pad":tru}',
        GOOD[:-1] + b' "pad":1}',
        GOOD[:-1] + b",'pad':1}",
        GOOD.replace(b"large-5", b"large\t5"),
        GOOD + b"\0",
    ],
    "not_object": [b"[]", b"1", b"null", b'"x"', b"[" * 32 + b"]" * 32, b"1e999"],
    "wrong_version": [raw(schema_version=2), raw(schema_version=0), raw(schema_version=10**40)],
    "missing_property": [b"{}", *(without(name) for name in MINIMAL)],
    "wrong_type": [
        raw(event_id=5),
        raw(account_id=None),
        raw(model=["m"]),
        raw(event_time="1777026031000"),
        raw(event_time=1.5),
        raw(input_tokens=True),
        raw(event_time=None),
        raw(event_time=1777026031.25),
        raw(output_tokens=""),
    ],
    "out_of_range": [
        raw(event_id=""),
        raw(event_id="x" * 2049),
        raw(account_id="é" * 513),
        raw(model="x" * 129),
        raw(event_time=-1),
        raw(event_time=2**63),
        raw(event_time=LATEST_MS + 1),
        raw(event_time=EARLIEST_MS - 1),
        raw(event_time=1777026031),
        raw(event_time=1777026031000000),
        raw(event_time=1777026031000000000),
        raw(input_tokens=10**30),
        raw(output_tokens=-(10**30)),
        raw(output_tokens=float(2**53)),
        GOOD.replace(b"812", b"1e999"),
    ],
    "from_the_future": [raw(ingest_time=MINIMAL["event_time"] - 300_001)],
}


def test_every_reason_has_its_records() -> None:
    assert set(BAD) == set(REASONS) - {DECODER_FAILED}  # no bytes are known that bring this about


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_record_is_set_aside_with_its_reason_and_costs_nothing_but_itself(
    reason: str,
) -> None:
    for bad in BAD[reason]:
        decoded = Decoder(KEY).decode([GOOD, bad, GOOD])
        assert [(r.row, r.reason) for r in decoded.rejected] == [(1, reason)], bad and bad[:200]
        assert decoded.events["row"].tolist() == [0, 2]
        assert decoded.unknown.sum() == 0


def test_a_fault_of_the_decoder_sets_the_record_aside_and_does_not_quote_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def rule(*_: object) -> None:
        raise IndexError("acct-7 at 31")

    slow = raw(ip_class=3)
    assert not Decoder(KEY).decode([slow]).rejected
    monkeypatch.setattr(decode_slow, "optional", rule)
    decoded = Decoder(KEY).decode([GOOD, slow, GOOD])
    (rejected,) = decoded.rejected
    assert (rejected.row, rejected.reason) == (1, DECODER_FAILED)
    assert "IndexError" in rejected.message
    assert "acct" not in rejected.message
    assert decoded.events["row"].tolist() == [0, 2]
    assert decoded.unknown.sum() == 0


def test_a_fault_in_reading_a_control_event_sets_it_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    def rule(*_: object) -> None:
        raise IndexError("acct-7 at 31")

    monkeypatch.setattr("detectors.decode.control_events._check_kind", rule)
    told = decode_control(b'{"control_id": "c", "kind": "feedback", "at": 1}', 5)
    assert isinstance(told, RejectedControl)
    assert told.reason == DECODER_FAILED
    assert "acct" not in told.message


def test_a_record_of_exactly_the_most_bytes_is_read() -> None:
    assert len(Decoder(KEY).decode([padded(MOST_BYTES)]).events) == 1


def test_the_last_minute_that_a_tick_can_carry_is_read() -> None:
    assert len(Decoder(KEY).decode([raw(event_time=LATEST_MS)]).events) == 1


def test_the_first_millisecond_of_2010_is_read() -> None:
    assert len(Decoder(KEY).decode([raw(event_time=EARLIEST_MS)]).events) == 1


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        (1777026031, "seconds"),
        (1777026031.0, "seconds"),
        (1777026031.25, "seconds"),
        (1777026031000000, "microseconds"),
        (1777026031000000000, "nanoseconds"),
    ],
)
def test_a_time_in_other_units_is_refused_with_a_word_on_units(time: float, unit: str) -> None:
    (rejected,) = Decoder(KEY).decode([raw(event_time=time)]).rejected
    assert "milliseconds since 1970 UTC" in rejected.message
    assert rejected.message.endswith(f"; this one looks like {unit}")


@pytest.mark.parametrize("time", [0, -1, 17, EARLIEST_MS - 1, 10**30, "2026-04-24T10:00:00Z", None])
def test_a_time_in_no_unit_is_refused_without_a_guess(time: object) -> None:
    (rejected,) = Decoder(KEY).decode([raw(event_time=time)]).rejected
    assert rejected.message.endswith("milliseconds since 1970 UTC, and not before 2010")


def test_tokens_may_be_null_and_must_be_there() -> None:
    decoded = Decoder(KEY).decode([raw(input_tokens=None), without("input_tokens")])
    assert decoded.events["row"].tolist() == [0]
    assert decoded.rejected[0].message == (
        "input_tokens is required; where usage is not known give null"
    )


def test_brackets_inside_strings_are_no_nesting() -> None:
    assert len(Decoder(KEY).decode([raw(pad='[{"' * 1000, lang="\\[")]).events) == 1


def test_nesting_of_32_levels_is_read() -> None:
    deep = raw(pad=0).replace(b": 0}", b": " + b"[" * 31 + b"]" * 31 + b"}")
    assert len(Decoder(KEY).decode([deep]).events) == 1


def test_a_message_names_the_property_and_the_range_but_quotes_nothing_of_the_record() -> None:
    secret = "s3cr3t" * 100
    rejected = (
        Decoder(KEY)
        .decode(
            [raw(account_id=secret), raw(model={secret: 1}), b'{"' + secret.encode(), raw(n=1)[:-9]]
        )
        .rejected
    )
    assert rejected[0] == Rejected(0, "out_of_range", "account_id must have 1 to 512 characters")
    assert all("s3cr3t" not in r.message for r in rejected)


def test_an_event_is_from_the_future_by_its_records_timestamp_first() -> None:
    time = MINIMAL["event_time"]
    late, early = raw(ingest_time=time - 10**9), raw(ingest_time=time)
    decoder = Decoder(KEY, future_ms=1000)
    stamps = np.array([time - 1000, time - 1001, time - 1001, -1, -1, -1])
    decoded = decoder.decode([late, early, GOOD, late, early, GOOD], stamps)
    assert decoded.events["row"].tolist() == [0, 4, 5]
    assert {r.reason for r in decoded.rejected} == {"from_the_future"}


def test_rejected_events_count_nothing_as_unknown() -> None:
    bad = raw(ingest_time=0, lang="", asn=None)
    assert Decoder(KEY).decode([bad, b"\n" + bad]).unknown.sum() == 0


def test_a_record_never_borrows_from_the_one_behind_it() -> None:
    halves = [GOOD[:40], GOOD[40:], GOOD[:-1], b"}", b'{"', GOOD]
    decoded = Decoder(KEY).decode(halves)
    assert decoded.events["row"].tolist() == [5]
    assert {r.reason for r in decoded.rejected} == {"not_json"}
