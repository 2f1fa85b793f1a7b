"""What an event's properties become in columns."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from detectors.contract.request_event import CAPABILITIES, EVENT, IP_CLASSES, OPTIONAL, country
from detectors.decode.decoder import Decoder
from detectors.decode.fast import PADDING
from detectors.errors import ConfigError, ContractError
from detectors.kernels.siphash import epoch_half, fingerprint, fingerprint_at, hash_key
from tests.detectors.decode.full_event import FULL, text, unknown
from tests.least_event import KEY, MINIMAL, decode


def test_the_contracts_own_example_decodes(before: bytes) -> None:
    decoded = decode(
        MINIMAL
        | {
            "payment_fp": "k1:9c31",
            "ip_prefix_fp": "k1:77aa",
            "asn": 64500,
            "ip_class": "hosting",
            "template_fp": "9f3c00d1a2b4e6f8",
            "capability": "reasoning",
            "status": 200,
        },
        before=before,
    )
    event = decoded.events[0]
    assert decoded.rejected == []
    assert event["event_time"] == 1777026031000
    assert event["asn"] == 64500
    assert IP_CLASSES[event["ip_class"]] == "hosting"
    assert CAPABILITIES[event["capability"]] == "reasoning"
    assert (event["template"], event["has_template"]) == (0x9F3C00D1A2B4E6F8, 1)
    assert text(decoded, "account") == "a-71f2"


def test_every_property_reaches_its_column(before: bytes) -> None:
    decoded = decode(FULL, before=before)
    event = {name: decoded.events[0][name].item() for name in EVENT.names or ()}
    numbers = {
        "event_time": 1777026031000,
        "created": 1770000000000,
        "tier": 1,
        "signup": 1,
        "asn": 4294967295,
        "ip_class": 2,
        "client_attested": 0,
        "access_path": 4,
        "input_tokens": 812,
        "output_tokens": 2950,
        "reasoning_tokens": 7,
        "cached_tokens": 8,
        "max_tokens": 9,
        "temperature": 0.7,
        "top_p": 1.0,
        "n": 2,
        "stream": 1,
        "tool_count": 3,
        "turn_index": 4,
        "has_image": 1,
        "template": 0x9F3C00D1A2B4E6F8,
        "has_template": 1,
        "capability": 9,
        "cot_score": 0.8444218515250481,
        "grading_score": 1e-05,
        "status": 429,
        "latency_ms": 1234,
        "cost_micro": round(0.0123455 * 1e6),
        "ingest_time": 1777026031200,
        "id_epoch": 3,
    }
    assert {name: event[name] for name in numbers} == numbers
    assert (country(event["billing_country"]), country(event["geo_country"])) == ("US", "DE")
    stable = ["account_id", "org_id", "api_key_id", "session_id", "model", "lang", "error_class"]
    for name in stable:
        column = name.removesuffix("_id")
        assert event[column] == fingerprint(FULL[name].encode(), KEY)
        assert text(decoded, column) == FULL[name]
    k0, k1 = hash_key(KEY)
    digests = ["referral", "payment", "ip_prefix", "tls", "device", "client", "system", "prompt"]
    for name in [*digests, "reasoning"]:
        column = name.removeprefix("ip_")
        value = FULL[f"{name}_fp"]
        raw = np.frombuffer(value.encode(), np.uint8)
        assert event[column] == fingerprint_at(raw, 0, raw.size, np.uint64(epoch_half(k0, 3)), k1)
        assert text(decoded, column) == value
    assert text(decoded, "sketch") == FULL["prompt_sketch"]
    assert text(decoded, "event_id") == "e-1"
    assert unknown(decoded) == {}


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_a_record_in_plain_json_goes_the_fast_way(separators: tuple[str, str]) -> None:
    for event in (FULL, MINIMAL, FULL | dict.fromkeys(OPTIONAL), MINIMAL | {"more": -1.5e-3}):
        raw = json.dumps(event, separators=separators).encode()
        decoded = Decoder(KEY).decode([raw])
        assert len(decoded.events) == 1
        assert len(decoded.buffer) == len(raw) + PADDING  # the slow way appends what it reads


def test_what_is_missing_is_not_known_and_not_counted(before: bytes) -> None:
    decoded = decode(MINIMAL, before=before)
    event = decoded.events[0]
    for name in [
        "reasoning_tokens",
        "cached_tokens",
        "max_tokens",
        "cost_micro",
        "created",
        "ingest_time",
    ]:
        assert event[name] == -1
    for name in [
        "id_epoch",
        "asn",
        "n",
        "tool_count",
        "turn_index",
        "latency_ms",
        "stream",
        "has_image",
    ]:
        assert event[name] == -1
    for name in [
        "org",
        "api_key",
        "session",
        "referral",
        "payment",
        "prefix",
        "tls",
        "device",
        "client",
        "system",
        "reasoning",
    ]:
        assert event[name] == 0
    for name in ["tier", "signup", "ip_class", "access_path", "capability"]:
        assert event[name] == 255
    for name in ["temperature", "top_p", "cot_score", "grading_score"]:
        assert math.isnan(event[name])
    assert event["billing_country"] == event["status"] == event["has_template"] == 0
    assert unknown(decoded) == {}


def test_an_integer_may_be_written_with_a_zero_fraction() -> None:
    decoded = decode(MINIMAL | {"input_tokens": 812.0, "asn": 6.45e4, "schema_version": 1.0})
    assert decoded.events["input_tokens"].tolist() == [812]
    assert decoded.events["asn"].tolist() == [64500]
    assert unknown(decoded) == {}


def test_lengths_count_characters_and_strings_keep_their_bytes() -> None:
    name = "ä€😀" + "é" * 509
    decoded = Decoder(KEY).decode([json.dumps(MINIMAL | {"account_id": name}).encode()])
    assert text(decoded, "account") == name
    assert decoded.events["account"][0] == fingerprint(name.encode(), KEY)


def test_a_property_given_twice_counts_as_given_last(before: bytes) -> None:
    raw = before + json.dumps(MINIMAL)[:-1].encode() + b',"input_tokens":5,"asn":1,"asn":null}'
    decoded = Decoder(KEY).decode([raw])
    assert decoded.events["input_tokens"].tolist() == [5]
    assert decoded.events["asn"].tolist() == [-1]
    assert unknown(decoded) == {"asn": 1}


def test_unknown_properties_are_ignored_whatever_they_hold(before: bytes) -> None:
    extra = {"x": "y", "a": 1.25, "b": True, "c": None, "d": {"e": [1, "}"]}, "event_idx": 3, "": 0}
    decoded = decode(MINIMAL | extra, before=before)
    assert (
        decoded.events[["event", "account", "asn"]]
        == decode(MINIMAL).events[["event", "account", "asn"]]
    )
    assert unknown(decoded) == {}


def test_rows_keep_the_order_and_the_index_of_their_records() -> None:
    values = [json.dumps(MINIMAL | {"input_tokens": i}).encode() for i in range(6)]
    values[1] = b"\n" + values[1]
    values[4] = b"{"
    decoded = Decoder(KEY).decode(values)
    assert decoded.events["row"].tolist() == [0, 1, 2, 3, 5]
    assert decoded.events["input_tokens"].tolist() == [0, 1, 2, 3, 5]
    assert [r.row for r in decoded.rejected] == [4]


def test_an_empty_batch_is_no_events() -> None:
    decoded = Decoder(KEY).decode([])
    assert len(decoded.events) == 0
    assert decoded.events.dtype == EVENT
    assert decoded.rejected == []


def test_a_decoder_refuses_a_bad_key_a_bad_horizon_and_the_wrong_number_of_timestamps() -> None:
    with pytest.raises(ConfigError):
        Decoder(b"short")
    with pytest.raises(ConfigError):
        Decoder(KEY, future_ms=-1)
    with pytest.raises(ContractError):
        Decoder(KEY).decode([b"{}"], np.zeros(2, np.int64))
