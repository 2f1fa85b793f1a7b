"""An optional property that says nothing usable is not known, and counted by name."""

from __future__ import annotations

import json
import math

import pytest

from detectors.contract.request_event import EVENT, OPTIONAL, PROPERTIES
from detectors.decode.decoder import Decoded, Decoder
from tests.least_event import KEY, MINIMAL, WAYS, decode


@pytest.fixture(params=WAYS)
def before(request: pytest.FixtureRequest) -> bytes:
    return WAYS[request.param]


def unknown(decoded: Decoded) -> dict[str, int]:
    return {n: c for n, c in zip(OPTIONAL, decoded.unknown.tolist(), strict=True) if c}


@pytest.mark.parametrize("bad", [None, ""])
def test_an_optional_property_that_is_null_or_empty_is_not_known_and_counted(
    bad: object, before: bytes
) -> None:
    decoded = decode(MINIMAL | dict.fromkeys(OPTIONAL, bad), MINIMAL, before=before)
    assert unknown(decoded) == dict.fromkeys(OPTIONAL, 1)
    first, second = decoded.events
    for name in set(EVENT.names or ()) - {"row"} - {n for n in EVENT.names or () if "_at" in n}:
        assert first[name] == second[name] or math.isnan(first[name]), name


INVALID = {
    "org_id": ["x" * 129, 5, True, [], {}],
    "payment_fp": ["x" * 65, "é" * 65, 1.5],
    "lang": ["x" * 9],
    "billing_country": ["us", "USA", "U", "U1", "U\n", "ÄÖ"],
    "account_tier": ["Free", "gratis", 0, "free "],
    "capability": ["codingcoding", "reasonin", "reasoning\0"],
    "template_fp": ["9F3C00D1A2B4E6F8", "9f3c00d1a2b4e6f", "9f3c00d1a2b4e6f8\n", "g" * 16],
    "asn": [-1, 2**32, 1.5, True, "64500", 10**30],
    "n": [0],
    "max_tokens": [-1, 2**63, 2**64, 1e300],
    "account_created_at": [-5],
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
    assert unknown(decoded) == {name: len(INVALID[name])}
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
