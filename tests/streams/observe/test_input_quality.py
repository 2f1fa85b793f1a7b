"""What producers send that cannot be used as it is, is said while it lasts, with its share."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.decode.decoder import Decoder
from streams.observe.input_quality import LEAST, READ, RECENT, InputQuality, notes
from streams.observe.metrics import Metrics
from streams.observe.stage_gauges import AccountGauges
from tests.stage_stories import KEY, START, config, request


def read(*events: dict[str, Any]) -> InputQuality:
    """What is noted of a partition that was given these events."""
    accounts = AccountPartition(config(), 0)
    gauges = AccountGauges(Metrics(), "requests", 0, accounts)
    decoded = Decoder(KEY).decode([orjson.dumps(event) for event in events])
    accounts.ingest(decoded)
    gauges.count(decoded)
    gauges.update(accounts)
    return gauges.quality


def many(changes: dict[str, Any], share: float, count: int = 400) -> InputQuality:
    """Events of which a share is changed."""
    events = [request(n, START + n) for n in range(count)]
    return read(*(e | (changes if n < share * count else {}) for n, e in enumerate(events)))


@pytest.mark.parametrize(
    ("changes", "about", "least", "said"),
    [
        ({"event_id": "None"}, "event_id", 0.02, "an id of its own"),
        ({"output_tokens": None}, "usage", 0.12, "null"),
        ({"account_created_at": 1707937200}, "account_created_at", 0.06, "seconds, microseconds"),
        ({"asn": "64500"}, "asn", 0.06, "asn that cannot be used"),
    ],
)
def test_a_share_that_is_too_large_is_noted_and_a_small_one_is_not(
    changes: dict[str, Any], about: str, least: float, said: str
) -> None:
    assert notes([many(changes, least * 0.6)]) == {}
    found = notes([many(changes, least * 1.2)])
    assert list(found) == [about]
    assert said in found[about]
    assert notes([many(changes, 1.0, count=LEAST - 1)]) == {}


def test_what_is_null_or_empty_on_purpose_is_not_noted() -> None:
    assert notes([many({"account_created_at": None, "asn": None, "lang": ""}, 1.0)]) == {}


def test_partitions_are_taken_together() -> None:
    bad, good = many({"event_id": "None"}, 0.04), many({}, 0.0)
    assert "event_id" in notes([bad])
    assert "4%" in notes([bad])["event_id"]
    assert notes([bad, *[good] * 4]) == {}


def test_what_was_mended_is_no_longer_noted_after_some_thousand_events() -> None:
    quality = many({"event_id": "None"}, 1.0)
    none = np.zeros(st.COUNTERS, np.int64)
    for _ in range(20):
        quality.counts[READ] += RECENT
        quality.ingested(none)
    assert notes([quality]) == {}
    assert quality.counts[READ] <= 2 * RECENT
