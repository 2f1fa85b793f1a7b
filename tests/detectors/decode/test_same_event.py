"""What makes two records one event, or two values the same: ids, contents, and epochs of digests."""

from __future__ import annotations

import json

import pytest

from detectors.decode.decoder import Decoder
from tests.detectors.decode.full_event import FULL, text
from tests.least_event import KEY, MINIMAL, decode


def test_the_same_event_id_of_another_account_is_another_event(before: bytes) -> None:
    events = decode(
        MINIMAL, MINIMAL | {"account_id": "b"}, MINIMAL | {"model": "m"}, before=before
    ).events["event"]
    assert events[0] == events[2] != events[1]


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_ids_may_be_as_long_as_the_contract_says(character: str, before: bytes) -> None:
    longest = {"event_id": 2048, "account_id": 512, "org_id": 512, "api_key_id": 512}
    ids = {name: character * most for name, most in longest.items()}
    decoded = decode(MINIMAL | ids, before=before)
    assert decoded.rejected == []
    assert {n: text(decoded, n if n == "event_id" else n[:-3]) for n in ids} == ids


# Of one request, another value each of what says what happened; and of what may differ on the way.
OTHER_CONTENT = {
    "event_time": 1777026031001,
    "model": "m",
    "input_tokens": None,
    "output_tokens": 2951,
    "reasoning_tokens": 8,
    "temperature": -0.7,
    "status": 200,
    "stream": False,
    "session_id": "s-2",
    "ip_prefix_fp": "k1:77ab",
    "prompt_fp": "k1:prp",
    "template_fp": "9f3c00d1a2b4e6f9",
    "reasoning_fp": "k1:other",
    "cost_usd": 0.02,
}


SAME_CONTENT = {
    "ingest_time": 1777026039999,
    "account_created_at": 1770000000001,
    "account_tier": "paid",
    "asn": 1,
    "ip_class": "vpn",
    "lang": "de",
    "cot_score": 0.1,
    "another": "property",
}


@pytest.mark.parametrize("name", OTHER_CONTENT)
def test_an_event_that_says_otherwise_what_happened_has_other_content(
    name: str, before: bytes
) -> None:
    first, other = decode(FULL, FULL | {name: OTHER_CONTENT[name]}, before=before).events
    assert first["event"] == other["event"]
    assert first["content"] != other["content"]


def test_content_is_the_same_however_an_event_is_written_or_delivered(before: bytes) -> None:
    backwards = dict(reversed(FULL.items()))
    written = json.dumps(backwards | SAME_CONTENT, indent=1, ensure_ascii=True).encode()
    again = Decoder(KEY).decode([written, json.dumps(FULL | {"input_tokens": 812.0}).encode()])
    (first,) = decode(FULL, before=before).events
    assert again.events["content"].tolist() == [first["content"]] * 2
    for name, value in SAME_CONTENT.items():
        assert decode(FULL | {name: value}, before=before).events["content"] == first["content"]


def test_nobody_without_the_key_knows_a_content() -> None:
    raw = json.dumps(MINIMAL).encode()
    found = {int(Decoder(bytes([n] * 16)).decode([raw]).events["content"][0]) for n in range(8)}
    assert len(found) == 8


def test_the_same_digest_in_another_epoch_is_another_value(before: bytes) -> None:
    event = MINIMAL | {"payment_fp": "k1:9c31", "org_id": "o-1"}
    events = decode(event, event | {"id_epoch": 0}, event | {"id_epoch": 1}, before=before).events
    assert len(set(events["payment"].tolist())) == 3
    assert len(set(events["org"].tolist())) == 1
