"""A mapping file of one's own, and what is said of one that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from detectors.errors import ConfigError
from streams.intake.convert import Converter
from streams.intake.formats import SHIPPED, with_files
from streams.intake.mapping_files import MappingError, account_sources, load_mapping, mapping_of
from tests.streams.intake.gateway_samples import KEYS

LEAST = {"event_id": "id", "event_time": "at", "account_id": "who", "model": "model"}


def event_of(table: dict[str, Any], record: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "in_house.toml"
    path.write_text("\n".join(f"{name} = {value}" for name, value in table.items()))
    converter = Converter(keys=KEYS, mappings=with_files([str(path)]), stamp=False)
    (event,) = converter.convert(
        "in_house", json.dumps(record).encode(), received_ms=2_000_000_000_000
    ).events
    return dict(json.loads(event.value))


def test_an_in_house_format_needs_no_code(tmp_path: Path) -> None:
    event = event_of(
        {
            "event_id": '"id"',
            "event_time": '{ value = "start", as = "iso_time", plus = { value = "s", as = "seconds" } }',
            "account_id": '["user.id", "key.owner"]',
            "model": '{ value = "model", except = ["none"] }',
            "input_tokens": '"usage.in || usage.prompt"',
            "output_tokens": "\"usage.parts[?kind == 'out'].n | [0]\"",
            "cost_usd": '{ value = "cost", as = "cents" }',
            "latency_ms": '{ value = "s", as = "seconds" }',
            "tool_count": '"tools"',
            "stream": '"mode"',
            "org_id": '{ value = "org", as = "opaque" }',
        },
        {
            "id": "r-1",
            "start": "2026-04-24T10:20:18.5Z",
            "s": "12.623",
            "user": {"id": ""},
            "key": {"owner": "u-17"},
            "model": "large-5",
            "usage": {"prompt": "812", "parts": [{"kind": "out", "n": 2950}]},
            "cost": "0.125",
            "tools": [1, 2],
            "mode": "TRUE",
            "org": "o-9",
        },
        tmp_path,
    )
    assert event == {
        "event_id": "r-1",
        "event_time": 1_777_026_031_123,
        "account_id": KEYS.digest("account", "u-17"),
        "model": "large-5",
        "input_tokens": 812,
        "output_tokens": 2950,
        "cost_usd": 0.00125,
        "latency_ms": 12_623,
        "tool_count": 2,
        "stream": True,
        "org_id": "o-9",
        "id_epoch": 1,
    }


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"modle": "x"}, "modle = 'modle' is no property of the contract; did you mean model?"),
        ({"model": "a ||"}, "model = 'a ||' is no JMESPath expression: "),
        ({"model": 3}, "model = 3 is neither"),
        ({"model": []}, "model = [] is an empty list; give an expression, or leave it out"),
        ({"model": {"as": "text"}}, "model.value is no expression; give one as text"),
        (
            {"model": {"value": "m", "like": 1}},
            "model.like = 'like' is no part of a source; known are",
        ),
        (
            {"event_time": {"value": "t", "as": "secnds"}},
            "event_time.as = 'secnds' is no transformation; did you mean seconds?",
        ),
        (
            {"event_time": {"value": "t", "as": "hmac"}},
            "event_time.as = 'hmac' gives text, and event_time is a number; give one of int, ",
        ),
        ({"event_time": {"value": "t", "plus": {"as": "int"}}}, "event_time.plus.value is no"),
        ({"ip_prefix_fp": {"value": "a", "hops": 99}}, "ip_prefix_fp.hops = 99 is no number of"),
        ({"id_epoch": "e"}, "id_epoch = 'id_epoch' is no property of the contract; "),
        (
            {"records": {"undr": ["x"]}},
            "records.undr = 'undr' is no key of [records]; did you mean under?",
        ),
        ({"records": {"under": [1]}}, "records.under = [1] is no list of names"),
        ({"pass_over": {"Bad reason!": "x"}}, "pass_over.Bad reason! = 'x' is no reason: "),
        (
            {"pass_over": {"probe": {"value": "x", "matches": "("}}},
            "pass_over.probe.matches = '(' is no regular expression: ",
        ),
        (
            {"pass_over": {"probe": {"value": "x", "present": 1.5}}},
            "present = 1.5 is neither true nor",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_mend(table: dict[str, Any], said: str) -> None:
    with pytest.raises(MappingError) as caught:
        mapping_of({**LEAST, **table}, "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")
    assert said in str(caught.value)
    assert isinstance(caught.value, ConfigError)


@pytest.mark.parametrize("name", ["account_id", "event_time", "model"])
def test_what_no_event_is_without_has_to_be_mapped(name: str) -> None:
    table = {key: value for key, value in LEAST.items() if key != name}
    with pytest.raises(MappingError, match=f"mine.toml: {name} is missing: no event is without it"):
        mapping_of(table, "mine.toml")


def test_a_time_may_be_that_of_receipt() -> None:
    table = {key: value for key, value in LEAST.items() if key != "event_time"}
    assert mapping_of({**table, "records": {"at_receipt": True}}).at_receipt


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(MappingError, match=r"mine\.toml: No such file"):
        load_mapping(path)
    path.write_text("model =")
    with pytest.raises(MappingError, match=r"mine\.toml: is no TOML: "):
        load_mapping(path)


def test_a_file_may_not_take_the_name_of_a_gateway(tmp_path: Path) -> None:
    path = tmp_path / "kong.toml"
    path.write_text("\n".join(f'{name} = "{value}"' for name, value in LEAST.items()))
    with pytest.raises(MappingError, match="a format kong is there already; rename the file"):
        with_files([str(path)])


def test_an_account_option_that_is_no_expression_is_named() -> None:
    with pytest.raises(MappingError, match="--account: account_id = 'a b' is no JMESPath"):
        account_sources("a b")


def test_every_shipped_format_can_be_used() -> None:
    for name in SHIPPED:
        assert SHIPPED[name].name == name
        assert SHIPPED[name].accounts
