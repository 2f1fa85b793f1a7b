"""What a simulated world must be: valid, repeatable, in order, and honest about how hard it is."""

from __future__ import annotations

import gzip
import json
from typing import Any

import numpy as np
import orjson
import pytest

from worlds.clock import DAY_MS
from worlds.vocabulary import CAPABILITIES, IP_CLASSES, LABELS, ORDINARY, SIGNUPS, TIERS
from worlds.world import World, build

END_MS = 1_777_000_000_000
TEXT_LIMITS = {
    "event_id": 64,
    "account_id": 128,
    "org_id": 128,
    "session_id": 128,
    "payment_fp": 64,
    "ip_prefix_fp": 64,
    "tls_fp": 64,
    "device_fp": 64,
    "client_fp": 64,
    "model": 128,
    "system_fp": 64,
    "prompt_fp": 64,
    "lang": 8,
    "error_class": 64,
}
WHOLE = {
    "event_time",
    "ingest_time",
    "account_created_at",
    "asn",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "tool_count",
    "turn_index",
    "status",
    "latency_ms",
}
CHOICES = {
    "account_tier": set(TIERS),
    "signup_path": set(SIGNUPS),
    "ip_class": set(IP_CLASSES),
    "access_path": {"api", "web", "cli", "cloud_a", "cloud_b", "batch"},
    "capability": set(CAPABILITIES),
}
REQUIRED = {"event_id", "event_time", "account_id", "model", "input_tokens", "output_tokens"}


@pytest.fixture(scope="module")
def small() -> World:
    return build(seed=7, days=3, accounts=300, end_ms=END_MS, hydra_accounts=60)


@pytest.fixture(scope="module")
def full() -> World:
    return build(seed=1, days=7, accounts=2_000, end_ms=END_MS)


def events_of(world: World) -> list[dict[str, Any]]:
    return [orjson.loads(value) for chunk in world.chunks() for value in chunk.values]


def assert_follows_the_contract(event: dict[str, Any]) -> None:
    assert event.keys() >= REQUIRED
    for name, value in event.items():
        if name in TEXT_LIMITS:
            assert isinstance(value, str)
            assert 1 <= len(value) <= TEXT_LIMITS[name]
        elif name in WHOLE:
            assert type(value) is int
            assert value >= 0
        elif name in CHOICES:
            assert value in CHOICES[name]
        elif name in ("billing_country", "geo_country"):
            assert len(value) == 2
            assert value.isupper()
        elif name == "template_fp":
            assert len(value) == 16
            assert 0 < int(value, 16) < 2**64
        elif name == "cot_score":
            assert 0 <= value <= 1
        elif name == "cost_usd":
            assert type(value) is float
            assert value >= 0
        else:
            assert name == "client_attested"
            assert value is True


def test_every_line_is_compact_json_of_the_contracts_types(small: World) -> None:
    for chunk in small.chunks():
        for value in chunk.values:
            assert b", " not in value
            assert b'": ' not in value
            assert_follows_the_contract(orjson.loads(value))


def test_key_and_timestamp_of_a_record_are_its_account_and_ingest_time(small: World) -> None:
    for chunk in small.chunks(rows=1_000):
        assert len(chunk) <= 1_000
        for key, value, time in zip(chunk.keys, chunk.values, chunk.timestamps, strict=True):
            event = orjson.loads(value)
            assert event["account_id"].encode() == key
            assert event["ingest_time"] == time


def test_records_come_in_order_of_arrival_and_none_after_the_end(small: World) -> None:
    arrival = np.concatenate([chunk.timestamps for chunk in small.chunks(rows=999)])
    assert len(arrival) == small.events
    assert (np.diff(arrival) >= 0).all()
    assert arrival[-1] < END_MS


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_world(small: World) -> None:
    again = build(seed=7, days=3, accounts=300, end_ms=END_MS, hydra_accounts=60)
    other = build(seed=8, days=3, accounts=300, end_ms=END_MS, hydra_accounts=60)
    values = [value for chunk in small.chunks() for value in chunk.values]
    assert values == [value for chunk in again.chunks(rows=777) for value in chunk.values]
    assert values[:10] != [value for chunk in other.chunks() for value in chunk.values][:10]


def test_without_the_hydra_everybody_else_does_the_very_same_things(small: World) -> None:
    calm = build(seed=7, days=3, accounts=300, end_ms=END_MS, hydra_accounts=0)
    named = calm.truth()["accounts"]
    assert calm.truth()["campaigns"] == []
    assert named == {a: g for a, g in small.truth()["accounts"].items() if g != "hydra"}
    assert events_of(calm) == [e for e in events_of(small) if e["account_id"] in named]


@pytest.mark.parametrize("accounts", [0, 1, 5, 20])
def test_even_a_tiny_world_can_be_built(accounts: int) -> None:
    world = build(seed=3, days=0.5, accounts=accounts, end_ms=END_MS, hydra_accounts=3)
    assert len(events_of(world)) == world.events


def test_an_account_sends_nothing_before_it_exists(small: World) -> None:
    assert all(e["event_time"] >= e["account_created_at"] for e in events_of(small))


def test_few_events_are_late_fewer_come_twice_and_those_say_the_same(full: World) -> None:
    delay = full.records.ingest - full.records.time
    assert 0.005 < np.mean(delay > 10_000) < 0.03
    assert np.mean(delay > 600_000) < 0.001
    events = full.events
    unique = len(np.unique(full.records.event))
    assert 0.003 < 1 - unique / events < 0.008

    seen: dict[str, dict[str, Any]] = {}
    for event in events_of(full):
        first = seen.setdefault(event["event_id"], event)
        assert {**event, "ingest_time": 0} == {**first, "ingest_time": 0}
        assert event["ingest_time"] >= first["ingest_time"]


def test_optional_properties_are_missing_now_and_then_for_every_group(full: World) -> None:
    records = full.records
    group = full.accounts.label[records.account]
    for label in range(len(LABELS)):
        share = np.mean(records.device[group == label] == 0)
        assert 0.02 < share < 0.2


def test_truth_is_json_and_counts_what_the_hydra_really_sent(small: World) -> None:
    truth = json.loads(json.dumps(small.truth()))
    (campaign,) = truth["campaigns"]
    members = set(campaign["accounts"])
    assert members == {a for a, group in truth["accounts"].items() if group == "hydra"}
    assert len(members) == 60
    times = {e["event_id"]: e["event_time"] for e in events_of(small) if e["account_id"] in members}
    assert campaign["requests"] == len(times)
    assert campaign["first_event"] == min(times.values())
    assert campaign["last_event"] == max(times.values())
    assert set(truth["accounts"].values()) == set(LABELS)


def test_writing_plain_and_compressed_gives_the_same_lines(small: World, tmp_path: Any) -> None:
    done: list[int] = []
    small.write(tmp_path / "world.jsonl", done.append)
    small.write(tmp_path / "world.jsonl.gz", None)
    plain = (tmp_path / "world.jsonl").read_bytes()
    assert plain == gzip.decompress((tmp_path / "world.jsonl.gz").read_bytes())
    assert plain.count(b"\n") == small.events == done[-1]
    assert done == sorted(done)


def daily_requests(world: World, label: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Requests per active account and whole UTC day, once the hydra is complete."""
    rows = world.records
    mine = world.accounts.label[rows.account] == label
    hydra = world.accounts.label == LABELS.index("hydra")
    first = int(world.accounts.starts[hydra].max()) // DAY_MS + 1
    day = rows.time[mine] // DAY_MS
    whole = (day >= first) & (day < END_MS // DAY_MS)
    _, counts = np.unique(rows.account[mine][whole] * 100_000 + day[whole], return_counts=True)
    return counts


def test_by_volume_a_hydra_account_looks_like_everybody(full: World) -> None:
    ordinary = daily_requests(full, ORDINARY)
    hydra = daily_requests(full, LABELS.index("hydra"))
    assert 23 <= hydra.mean() <= 27
    for typical in (np.median(hydra), hydra.mean()):
        assert 0.5 < np.mean(ordinary < typical) < 0.8
    assert np.quantile(hydra, 0.99) < np.quantile(ordinary, 0.95)
    assert 10 <= np.median(ordinary) <= 20
