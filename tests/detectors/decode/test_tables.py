"""The table both ways of decoding read is the contract's."""

from __future__ import annotations

from detectors.contract import request_event as schema
from detectors.contract.request_event import EVENT, PROPERTIES
from detectors.decode.tables import tables

REQUIRED = {"event_id", "event_time", "account_id", "model", "input_tokens", "output_tokens"}
SHAPES = {  # the contract's properties in its order, and the JSON type of each
    "schema_version": "integer",
    "event_id": "string",
    "event_time": "integer",
    "account_id": "string",
    "org_id": "string",
    "api_key_id": "string",
    "session_id": "string",
    "account_created_at": "integer",
    "account_tier": "string",
    "signup_path": "string",
    "referral_fp": "string",
    "payment_fp": "string",
    "billing_country": "string",
    "geo_country": "string",
    "ip_prefix_fp": "string",
    "asn": "integer",
    "ip_class": "string",
    "tls_fp": "string",
    "device_fp": "string",
    "client_fp": "string",
    "client_attested": "boolean",
    "access_path": "string",
    "model": "string",
    "input_tokens": "integer",
    "output_tokens": "integer",
    "reasoning_tokens": "integer",
    "cached_tokens": "integer",
    "max_tokens": "integer",
    "temperature": "number",
    "top_p": "number",
    "n": "integer",
    "stream": "boolean",
    "tool_count": "integer",
    "turn_index": "integer",
    "has_image": "boolean",
    "system_fp": "string",
    "prompt_fp": "string",
    "template_fp": "string",
    "prompt_sketch": "string",
    "lang": "string",
    "capability": "string",
    "cot_score": "number",
    "grading_score": "number",
    "status": "integer",
    "error_class": "string",
    "latency_ms": "integer",
    "cost_usd": "number",
    "ingest_time": "integer",
    "id_epoch": "integer",
}
TYPES = {
    "string": "TEXT CHOICE COUNTRY TEMPLATE",
    "integer": "WHOLE SHORT VERSION",
    "number": "REAL MONEY",
    "boolean": "FLAG",
}


def test_the_table_holds_every_property_of_the_contract_with_its_type() -> None:
    kinds = {getattr(schema, kind): t for t, names in TYPES.items() for kind in names.split()}
    assert {p.name: kinds[p.kind] for p in PROPERTIES} == SHAPES
    assert [p.name for p in PROPERTIES] == list(SHAPES)
    assert {p.name for p in PROPERTIES if p.required} == REQUIRED


def test_a_row_is_a_run_of_whole_words_and_no_property_lacks_a_bit() -> None:
    assert EVENT.itemsize % 8 == 0
    assert len(PROPERTIES) <= 64


def test_every_name_has_a_place_of_its_own_in_the_hash() -> None:
    slots = tables().slots
    assert sorted(slots[slots >= 0].tolist()) == list(range(len(PROPERTIES)))
