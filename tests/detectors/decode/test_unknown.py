"""An optional property that says nothing usable is not known, and counted by name."""

from __future__ import annotations

import json
import math

import pytest

from detectors.contract.request_event import EARLIEST_MS, EVENT, OPTIONAL, PROPERTIES, USAGE
from detectors.decode.decoder import Decoded, Decoder
from detectors.decode.fast import PADDING
from tests.detectors.decode.full_event import unknown
from tests.least_event import KEY, MINIMAL, decode


def unusable(decoded: Decoded) -> dict[str, int]:
    return {n: c for n, c in zip(OPTIONAL, decoded.unusable.tolist(), strict=True) if c}


@pytest.mark.parametrize("bad", [None, ""])
def test_an_optional_property_that_is_null_or_empty_is_not_known_and_counted(
    bad: object, before: bytes
) -> None:
    decoded = decode(MINIMAL | dict.fromkeys(OPTIONAL, bad), MINIMAL, before=before)
    assert unknown(decoded) == dict.fromkeys(OPTIONAL, 1)
    assert unusable(decoded) == {}
    first, second = decoded.events
    for name in set(EVENT.names or ()) - {"row"} - {n for n in EVENT.names or () if "_at" in n}:
        assert first[name] == second[name] or math.isnan(first[name]), name


INVALID = {
    "org_id": ["x" * 513, 5, True, [], {}],
    "reasoning_fp": ["x" * 65, 5],
    "payment_fp": ["x" * 65, "é" * 65, 1.5],
    "lang": ["x" * 9],
    "billing_country": ["us", "USA", "U", "U1", "U\n", "ÄÖ"],
    "account_tier": ["Free", "gratis", 0, "free "],
    "capability": ["codingcoding", "reasonin", "reasoning\0"],
    "template_fp": ["9F3C00D1A2B4E6F8", "9f3c00d1a2b4e6f", "9f3c00d1a2b4e6f8\n", "g" * 16],
    "asn": [-1, 2**32, 1.5, True, "64500", 10**30],
    "n": [0],
    "max_tokens": [-1, 2**63, 2**64, 1e300],
    "account_created_at": [
        -5,
        0,
        1707937200,  # seconds
        1707937200000000,  # microseconds
        1707937200000000000,  # nanoseconds
        EARLIEST_MS - 1,
        MINIMAL["event_time"] + 1,
        1770000000.5,
        "2024-02-14T19:00:00Z",
    ],
    "status": [2**31, "200"],
    "stream": [0, 1, "true"],
    "temperature": ["0.7", True],
    "cot_score": [-0.1, 1.0000001, 2],
    "cost_usd": [-0.01, 1e13, 1e300, 10**15],
    "schema_version": ["1", 1.5, True],
    "id_epoch": [-1],
}


@pytest.mark.parametrize("name", INVALID)
def test_an_optional_property_that_is_not_valid_is_not_known_and_counted(
    name: str, before: bytes
) -> None:
    decoded = decode(*(MINIMAL | {name: bad} for bad in INVALID[name]), before=before)
    assert decoded.rejected == []
    assert unknown(decoded) == unusable(decoded) == {name: len(INVALID[name])}
    blank = decode(MINIMAL).events[0]
    column = next(p.column for p in PROPERTIES if p.name == name)
    if column:
        for event in decoded.events:
            assert event[column] == blank[column] or math.isnan(event[column])


def test_a_number_beyond_a_double_is_json_but_not_known() -> None:
    raw = json.dumps(MINIMAL)[:-1].encode()
    decoded = Decoder(KEY).decode(
        [raw + b',"cost_usd":1e999}', raw + b',"asn":%b}' % (b"9" * 5000), raw + b',"zzz":1e999}']
    )
    assert len(decoded.events) == 3
    assert unknown(decoded) == {"cost_usd": 1, "asn": 1}


def test_a_sign_up_at_the_first_moment_or_at_the_event_itself_is_known(before: bytes) -> None:
    times = [EARLIEST_MS, MINIMAL["event_time"]]
    decoded = decode(*(MINIMAL | {"account_created_at": t} for t in times), before=before)
    assert decoded.events["created"].tolist() == times
    assert unknown(decoded) == {}


def test_a_sign_up_after_the_event_is_not_known_wherever_it_stands(before: bytes) -> None:
    after = {"account_created_at": MINIMAL["event_time"] + 1}
    decoded = decode(after | MINIMAL, MINIMAL | after, before=before)
    assert decoded.events["created"].tolist() == [-1, -1]
    assert unusable(decoded) == {"account_created_at": 2}


def test_times_in_other_units_are_not_left_to_the_slow_way() -> None:
    for time in (1707937200, 1707937200000000, -5, MINIMAL["event_time"] + 1):
        raw = json.dumps(MINIMAL | {"account_created_at": time}).encode()
        assert len(Decoder(KEY).decode([raw]).buffer) == len(raw) + PADDING


def test_usage_that_is_null_is_not_known_and_counted_by_property(before: bytes) -> None:
    nulls = [{"input_tokens": None}, {"output_tokens": None}, dict.fromkeys(USAGE)]
    decoded = decode(MINIMAL, *(MINIMAL | null for null in nulls), before=before)
    assert decoded.rejected == []
    assert decoded.events["input_tokens"].tolist() == [812, -1, 812, -1]
    assert decoded.events["output_tokens"].tolist() == [2950, 2950, -1, -1]
    assert dict(zip(USAGE, decoded.no_usage.tolist(), strict=True)) == {
        "input_tokens": 2,
        "output_tokens": 2,
    }
    assert unknown(decoded) == {}
