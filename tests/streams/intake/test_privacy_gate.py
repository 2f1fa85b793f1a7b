"""Canaries in every field of every format, and nowhere else: in no event, refusal, count, output or log."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.contract.request_event import PROPERTIES
from streams.intake.convert import Converter
from streams.intake.gate import CHECKS
from tests.streams.intake.gateway_samples import FORMATS, KEYS, RECEIVED_MS, events, samples

# What must never come through: a sentence, a mail address, a token, an address, and all of it together.
SECRETS = (
    "the canary sings at midnight",
    "canary@mail.example",
    "Bearer canary-token-123456",
    "sk-canary-0123456789",
    "198.51.100.231",
    "canary sings, canary@mail.example, Bearer sk-canary-1, 198.51.100.231",
)
FLIGHT = ("canary", "198.51.100.231")  # a piece of any of them
# A plain word that looks like an id or a name may be one: where the contract has ids and names as they are.
AS_THEY_ARE = {"event_id", "model", "error_class"}


@cache
def converter() -> Converter:
    return Converter(keys=KEYS)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all texts and objects of a record, those in JSON texts too."""
    if isinstance(value, dict):
        yield (*way, "an unknown member")
        for name, inner in value.items():
            yield from places(inner, (*way, name))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from places(inner, (*way, place))
    elif isinstance(value, str):
        yield way
        if value.startswith("{"):
            yield from places(json.loads(value), (*way, json.loads))


def planted(value: Any, way: tuple[Any, ...], canary: str) -> Any:
    """The record with a canary at a place."""
    if not way:
        return canary
    name, *rest = way
    if name is json.loads:
        return json.dumps(planted(json.loads(value), tuple(rest), canary))
    made = copy.copy(value)
    if isinstance(made, dict):
        made[name] = planted(made.get(name), tuple(rest), canary)
    else:
        made[name] = planted(made[name], tuple(rest), canary)
    return made


def with_canaries(gateway: str, canary: str) -> list[Any]:
    return [
        planted(sample.record, way, canary)
        for sample in samples(gateway)
        for way in places(sample.record)
    ]


@pytest.mark.parametrize("gateway", FORMATS)
@pytest.mark.parametrize("canary", SECRETS)
def test_no_canary_is_found_anywhere(
    gateway: str, canary: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    records = with_canaries(gateway, canary)
    assert len(records) > 50 or gateway in ("litellm_http", "helicone_webhook")
    outcome = converter().convert(gateway, json.dumps(records).encode(), received_ms=RECEIVED_MS)
    assert outcome.events
    written = capfd.readouterr()
    for said in (repr(outcome), written.out, written.err, caplog.text):
        for piece in FLIGHT:
            assert piece not in said


@pytest.mark.parametrize("gateway", FORMATS)
def test_a_plain_word_comes_through_where_ids_and_names_are_and_nowhere_else(gateway: str) -> None:
    records = with_canaries(gateway, "canaryword")
    outcome = converter().convert(gateway, json.dumps(records).encode(), received_ms=RECEIVED_MS)
    for event in outcome.events:
        said = json.loads(event.value)
        assert "canaryword" not in json.dumps(
            {name: value for name, value in said.items() if name not in AS_THEY_ARE}
        )
    assert "canaryword" not in repr((outcome.refused, outcome.passed_over, outcome.unusable))


@pytest.mark.parametrize("gateway", FORMATS)
def test_a_record_that_cannot_be_read_is_not_repeated(gateway: str) -> None:
    for body in (b'{"canary', b"canary", b'["canary"]', b'{"x": "canary"} canary'):
        assert "canary" not in repr(converter().convert(gateway, body, received_ms=RECEIVED_MS))


@pytest.mark.parametrize("gateway", FORMATS)
def test_events_have_properties_of_the_contract_and_no_other(gateway: str) -> None:
    names = {p.name for p in PROPERTIES}
    for sample in events(gateway):
        assert set(sample.becomes["event"]) <= names


@given(st.text(max_size=200))
def test_no_text_passes_as_a_property_that_is_a_choice_or_a_pattern(text: str) -> None:
    for name in ("account_tier", "signup_path", "ip_class", "access_path", "capability"):
        assert not CHECKS[name](text) or text.isalpha() or "_" in text
    assert not CHECKS["template_fp"](text) or len(text) == 16
    assert not CHECKS["geo_country"](text) or len(text) == 2


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("model", "anthropic/claude-5@20260101", "eve@mail.example"),
        ("model", "arn:aws:bedrock:us-east-1:123:inference-profile/x", "sk-123456"),
        ("model", "llama-4:latest", "what is this"),
        ("event_id", "83b63da3-45a9-4196-98b8-1a7f697d6d8d", "r-203.0.113.7-1"),
        ("event_id", "chatcmpl-1_cache_hit1.5", "a b"),
        ("error_class", "RateLimitError", "it failed"),
        ("lang", "de", "deutsch!"),
        ("prompt_sketch", "A" * 43 + "=", "canary"),
        ("temperature", 0.7, float("nan")),
        ("cost_usd", 0, -1),
        ("asn", 64500, 2**32),
        ("stream", True, 1),
        ("event_time", 1_777_026_031_000, 1_777_026_031),
        ("account_id", "k1:0123", "with a blank"),
        ("geo_country", "DE", "de"),
    ],
)
def test_the_gate_lets_through_what_is_valid(name: str, good: object, bad: object) -> None:
    assert CHECKS[name](good)
    assert not CHECKS[name](bad)
