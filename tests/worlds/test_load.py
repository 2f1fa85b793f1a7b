"""What the loads must be: of the contract, dense, fresh or unreadable as they say."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice

import numpy as np
import orjson
import pytest

from worlds.emit import Records
from worlds.load import dense, malformed, sparse, spray
from worlds.malformed import kinds_of_malformed

REQUIRED = {"event_id", "event_time", "account_id", "model", "input_tokens", "output_tokens"}
REASONS = {
    "not_utf8",
    "not_json",
    "not_object",
    "missing_property",
    "wrong_type",
    "out_of_range",
    "too_large",
    "too_deep",
    "null_value",
    "from_the_future",
}


def joined(batches: list[Records]) -> list[dict[str, object]]:
    return [orjson.loads(value) for batch in batches for value in batch.values]


@pytest.mark.parametrize("load", [dense, sparse, spray])
def test_a_load_is_exactly_as_long_as_asked_in_order_and_valid(load: object) -> None:
    batches = list(load(60_001))  # type: ignore[operator]
    events = joined(batches)
    assert len(events) == 60_001 == len({e["event_id"] for e in events})
    arrival = np.concatenate([batch.timestamps for batch in batches])
    assert (np.diff(arrival) >= 0).all()
    keys = [key.decode() for batch in batches for key in batch.keys]
    assert keys == [e["account_id"] for e in events]
    assert all(e.keys() >= REQUIRED and 22 <= len(e) <= 27 for e in events)
    assert all(len(str(e["template_fp"])) == 16 for e in events)
    assert 500 < np.mean([len(v) for batch in batches for v in batch.values]) < 620


def test_a_load_is_the_same_again_for_the_same_seed() -> None:
    first, again, other = (next(dense(1_000, seed=seed)).values for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_dense_and_sparse_hold_the_rates_they_promise() -> None:
    busy = joined(list(dense(20_000, accounts=1_000, per_account_per_minute=2.0)))
    minutes = (int(str(busy[-1]["ingest_time"])) - int(str(busy[0]["ingest_time"]))) / 60_000
    assert len(busy) / minutes / 1_000 == pytest.approx(2.0, rel=0.01)
    thin = joined(list(sparse(20_000)))
    minutes = (int(str(thin[-1]["ingest_time"])) - int(str(thin[0]["ingest_time"]))) / 60_000
    assert len(thin) / minutes * 1_440 / 1_000_000 == pytest.approx(25, rel=0.01)
    assert len({e["account_id"] for e in thin}) > 19_000


def test_spray_never_repeats_a_value_that_links() -> None:
    events = joined(list(spray(20_000)))
    for name in ("account_id", "payment_fp", "device_fp", "ip_prefix_fp", "template_fp"):
        assert len({e[name] for e in events}) == len(events)


def test_malformed_covers_every_reason_and_only_too_large_is_large() -> None:
    records = list(malformed(1_000, seed=5))
    assert len(records) == 1_000
    counts = Counter(reason for _, reason in records)
    assert counts.keys() == REASONS
    assert counts["too_large"] == 2
    for value, reason in records:
        assert (value is None) == (reason == "null_value")
        assert len(value or b"") < 20_000 or reason == "too_large"
        assert len(value or b"") > 65_536 or reason != "too_large"


def test_malformed_records_are_unreadable_for_the_reason_given() -> None:
    for value, reason in islice(malformed(10_000), kinds_of_malformed()):
        if value is None:
            continue
        if reason == "not_utf8":
            with pytest.raises(UnicodeDecodeError):
                value.decode()
        elif reason == "not_json":
            with pytest.raises(orjson.JSONDecodeError):
                orjson.loads(value)
        elif reason == "not_object":
            assert not isinstance(json.loads(value), dict)
        elif reason == "missing_property":
            assert not json.loads(value).keys() >= REQUIRED
        elif reason in ("wrong_type", "out_of_range"):
            assert json.loads(value).keys() >= REQUIRED
        elif reason == "from_the_future":
            event = json.loads(value)
            assert event["event_time"] - event["ingest_time"] > 365 * 86_400_000
