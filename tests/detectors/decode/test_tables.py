"""The table both ways of decoding read is the contract's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detectors.contract import request_event as schema
from detectors.contract.request_event import (
    BLANK,
    COLUMN,
    CONTENT,
    CONTENT_WORDS,
    EVENT,
    PROPERTIES,
)
from detectors.decode.tables import tables
from tests.places import CONTRACT

REQUIRED = {"event_id", "event_time", "account_id", "model", "input_tokens", "output_tokens"}
SCHEMA: dict[str, Any] = json.loads((CONTRACT / "request-event.v1.schema.json").read_text())
SHAPES = {  # the contract's properties in its order, and the JSON type of each
    name: (
        []
        if "type" not in said
        else [said["type"]]
        if isinstance(said["type"], str)
        else said["type"]
    )
    or ["string"]
    for name, said in SCHEMA["properties"].items()
}
TYPES = {
    "string": "TEXT CHOICE COUNTRY TEMPLATE",
    "integer": "WHOLE SHORT VERSION",
    "number": "REAL MONEY",
    "boolean": "FLAG",
}


def test_the_table_holds_every_property_of_the_contract_with_its_type() -> None:
    kinds = {getattr(schema, kind): t for t, names in TYPES.items() for kind in names.split()}
    kinds_of = {p.name: [kinds[p.kind], *["null"] * p.nullable] for p in PROPERTIES}
    assert kinds_of == SHAPES
    assert [p.name for p in PROPERTIES] == list(SHAPES)
    assert {p.name for p in PROPERTIES if p.required} == REQUIRED == set(SCHEMA["required"])


@pytest.mark.parametrize("p", PROPERTIES, ids=lambda p: p.name)
def test_limits_are_the_contracts(p: schema.Property) -> None:
    said = SCHEMA["properties"][p.name]
    if "maxLength" in said:
        assert p.high == said["maxLength"]
    if "minimum" in said:
        assert p.low == said["minimum"]
    if "maximum" in said:
        assert p.high == said["maximum"]
    if "enum" in said:
        assert list(p.choices) == said["enum"]


def test_what_an_event_is_told_by_fills_the_first_words_of_a_row() -> None:
    assert (EVENT.names or ())[: len(CONTENT)] == CONTENT
    assert sum(EVENT[name].itemsize for name in CONTENT) == 8 * CONTENT_WORDS
    assert (EVENT.fields or {})[CONTENT[-1]][1] == 8 * CONTENT_WORDS - 1  # no gap
    assert not {"ingest_time", "id_epoch", "created", "row"} & set(CONTENT)


def test_tokens_that_were_not_given_are_not_known_and_not_zero() -> None:
    assert BLANK[COLUMN["input_tokens"]] == BLANK[COLUMN["output_tokens"]] == -1


def test_a_row_is_a_run_of_whole_words_and_no_property_lacks_a_bit() -> None:
    assert EVENT.itemsize % 8 == 0
    assert len(PROPERTIES) <= 64


def test_every_name_has_a_place_of_its_own_in_the_hash() -> None:
    slots = tables().slots
    assert sorted(slots[slots >= 0].tolist()) == list(range(len(PROPERTIES)))
