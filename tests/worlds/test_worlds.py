"""What a simulated world must be: valid, repeatable, in order, and honest about itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from jsonschema import Draft202012Validator

from worlds.catalogue import KIND_OF, PIECES
from worlds.clock import HOUR_MS
from worlds.presets import PRESETS, preset
from worlds.simulation import Simulation, count
from worlds.spec import Chosen, Down, WorldSpec
from worlds.world import build

END_MS = 1_777_000_000_000
CONTRACT = orjson.loads(
    (Path(__file__).parents[1] / "contract" / "request-event.v1.schema.json").read_bytes()
)
PROPERTIES = frozenset(CONTRACT["properties"])
USAGE = {"input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "cost_usd"}


FEW = {
    "stolen_key": {"requests": 500},
    "ban_and_replace": {"accounts": 12, "percent_daily": 30.0},
}
EVERYTHING = WorldSpec(
    days=6.0,
    accounts=300,
    seats=60,
    outages=(Down(at=0.6, hours=1.0),),
    pieces=tuple(Chosen(kind, FEW.get(kind, {"accounts": 12})) for kind in PIECES),
)


def events_of(world: Simulation) -> list[dict[str, Any]]:
    return [orjson.loads(value) for part in world.slices() for value in part.values]


@pytest.fixture(scope="module")
def world() -> Simulation:
    """Every piece there is, small; run to its end."""
    return Simulation(EVERYTHING, 7, END_MS)


@pytest.fixture(scope="module")
def events(world: Simulation) -> list[dict[str, Any]]:
    return events_of(world)


def test_the_catalogue_holds_every_look_alike_and_every_attack() -> None:
    codes = [f"B{n}" for n in range(1, 22)] + [f"A{n}" for n in range(1, 21)]
    assert list(KIND_OF) == codes
    assert all(piece.title for piece in PIECES.values())


def test_every_line_is_compact_json_as_the_contract_says() -> None:
    follows = Draft202012Validator(CONTRACT).validate
    for part in Simulation(EVERYTHING, 7, END_MS).slices():
        assert part.joined() == b"".join(value + b"\n" for value in part.values)
        for key, value, time in zip(part.keys, part.values, part.timestamps.tolist(), strict=True):
            assert b", " not in value
            assert b'": ' not in value
            event = orjson.loads(value)
            assert event["account_id"].encode() == key
            assert event["ingest_time"] == time
            assert event.keys() <= PROPERTIES
            if b'tokens":null' in value or int(event["event_id"][-2:], 16) < 10:
                follows(event)  # slow, so not each of them


def test_records_come_in_order_of_arrival_and_none_after_the_end(
    events: list[dict[str, Any]],
) -> None:
    arrival = [event["ingest_time"] for event in events]
    assert arrival == sorted(arrival)
    assert arrival[-1] < END_MS
    assert min(event["event_time"] for event in events) >= END_MS - 6 * 24 * HOUR_MS


@pytest.mark.parametrize("slice_ms", [17 * 60_000, 7 * HOUR_MS, 90 * HOUR_MS])
def test_the_same_seed_gives_the_same_bytes_however_time_is_sliced(slice_ms: int) -> None:
    spec = preset("quick", scale=0.1, days=2.0)
    hourly = Simulation(spec, 3, END_MS)
    other = Simulation(spec, 3, END_MS, slice_ms=slice_ms)
    text = b"".join(part.joined() for part in hourly.slices())
    assert text == b"".join(part.joined() for part in other.slices())
    assert hourly.truth() == other.truth()
    assert text.count(b"\n") == count(spec, 3, END_MS)
    assert next(Simulation(spec, 4, END_MS).slices()).joined() not in text


def test_without_an_attack_everybody_else_does_the_very_same_things(
    world: Simulation, events: list[dict[str, Any]]
) -> None:
    calm = Simulation(EVERYTHING.without_attacks(), 7, END_MS)
    theirs = events_of(calm)
    innocent = calm.truth()["accounts"]
    known = world.truth()["accounts"]
    assert calm.truth()["campaigns"] == []
    assert innocent == {a: facts for a, facts in known.items() if facts["label"] == "benign"}
    assert theirs == [event for event in events if event["account_id"] in innocent]


@pytest.mark.parametrize("accounts", [0, 1, 5, 20])
def test_even_a_tiny_world_can_be_built(accounts: int) -> None:
    world = build(seed=3, days=0.5, accounts=accounts, end_ms=END_MS, hydra_accounts=3)
    assert sum(len(part) for part in world.chunks()) == world.events


def test_chunks_are_as_long_as_asked_and_hold_the_whole_world() -> None:
    world = build(seed=3, days=2.0, accounts=100, end_ms=END_MS, hydra_accounts=20)
    parts = list(world.chunks(777))
    assert {len(part) for part in parts[:-1]} == {777}
    whole = b"".join(part.joined() for part in world.simulation().slices())
    assert b"".join(part.joined() for part in parts) == whole


def test_an_account_sends_nothing_before_it_exists(events: list[dict[str, Any]]) -> None:
    early = [event for event in events if event["event_time"] < event["account_created_at"]]
    assert not early


@pytest.mark.parametrize("name", PRESETS)
def test_no_actor_of_a_preset_starts_before_its_account_is_made(name: str) -> None:
    for seed in range(3):
        actors = Simulation(preset(name, scale=0.2), seed, END_MS).cast.actors
        assert (actors["starts"] >= actors["created"]).all()


def test_few_events_are_late_fewer_come_twice_and_those_say_the_same() -> None:
    world = Simulation(preset("quick", attacks=False), 1, END_MS)
    rows = np.concatenate(list(world.rows()))
    once = rows[~rows["again"]]
    delay = once["ingest"] - once["time"]
    assert 0.005 < np.mean(delay > 10_000) < 0.03
    assert np.mean(delay > 600_000) < 0.001
    assert 0.003 < rows["again"].mean() < 0.008
    truth = world.truth()
    assert truth["late"] == (delay > 10_000).sum()
    assert truth["requests"] == len(once) == len(np.unique(rows["event"]))
    assert truth["redelivered"] == rows["again"].sum()

    order = np.argsort(rows["event"], kind="stable")
    first, second = rows[order][:-1], rows[order][1:]
    pair = first["event"] == second["event"]
    assert (second["ingest"][pair] > first["ingest"][pair]).all()
    for name in rows.dtype.names:
        if name not in ("ingest", "again"):
            assert (first[name][pair] == second[name][pair]).all()


def test_an_outage_loses_a_share_of_its_events_and_floods_with_the_rest() -> None:
    spec = WorldSpec(days=2.0, accounts=300, seats=0, outages=(Down(at=0.5, hours=3, lost=0.4),))
    down, up = END_MS - 24 * HOUR_MS, END_MS - 21 * HOUR_MS
    world = Simulation(spec, 2, END_MS)
    rows = np.concatenate(list(world.rows()))
    assert not ((rows["ingest"] >= down) & (rows["ingest"] < up) & ~rows["again"]).any()
    kept = ((rows["time"] >= down) & (rows["time"] < up) & ~rows["again"]).sum()
    lost = world.truth()["lost"]
    assert 0.3 < lost / (lost + kept) < 0.5


def test_optional_properties_are_missing_now_and_then_for_every_group(
    world: Simulation, events: list[dict[str, Any]]
) -> None:
    known = world.truth()["accounts"]
    asked, missing = Counter[str](), Counter[str]()
    for event in events:
        label = known[event["account_id"]]["label"]
        asked[label] += 1
        missing[label] += "device_fp" not in event
    for label in ("benign", "attack"):
        assert 0.02 < missing[label] / asked[label] < 0.2


def test_the_usage_of_few_answered_requests_is_not_known_and_then_none_of_it(
    events: list[dict[str, Any]],
) -> None:
    untold = [event for event in events if event["input_tokens"] is None]
    assert 0.002 < len(untold) / len(events) < 0.008
    for event in untold:
        assert event["status"] == 200
        assert {name for name in USAGE if event.get(name) is not None} == set()


def test_a_block_of_reasoning_comes_back_in_its_own_conversation_alone(
    events: list[dict[str, Any]],
) -> None:
    asked = {event["event_id"]: event for event in events if "reasoning_fp" in event}
    assert 0.02 < len(asked) / len(events) < 0.4
    assert all(event["turn_index"] > 0 for event in asked.values())
    held = {(e["reasoning_fp"], e["account_id"], e["session_id"]) for e in asked.values()}
    assert len({block for block, _, _ in held}) == len(held)


def test_truth_is_json_and_counts_what_each_campaign_really_sent() -> None:
    world = Simulation(EVERYTHING, 7, END_MS)
    sent: dict[str, tuple[str, int]] = {}
    for part in world.slices():
        for value in np.array(part.values, dtype=object)[part.guilty]:
            event = orjson.loads(value)
            sent[event["event_id"]] = event["account_id"], event["event_time"]
    truth = json.loads(json.dumps(world.truth()))
    by_account: dict[str, list[int]] = {}
    for account, time in sent.values():
        by_account.setdefault(account, []).append(time)
    assert {c["scenario"] for c in truth["campaigns"]} == {f"A{n}" for n in range(1, 21)}
    for campaign in truth["campaigns"]:
        members = campaign["accounts"]
        times = [time for account in members for time in by_account[account]]
        assert campaign["requests"] == len(times)
        assert campaign["first_event"] == min(times)
        assert campaign["last_event"] == max(times)
        first = [min(by_account[account]) for account in members]
        assert first == sorted(first)
        assert first == [truth["accounts"][account]["since"] for account in members]
        assert {truth["accounts"][account]["campaign"] for account in members} == {
            campaign["campaign"]
        }
    attackers = {a for a, facts in truth["accounts"].items() if facts["label"] == "attack"}
    assert attackers == by_account.keys()


def test_contracts_releases_and_bans_are_control_events(world: Simulation) -> None:
    controls = world.controls()
    kinds = Counter(control["kind"] for control in controls)
    assert kinds["model_release"] == 1
    assert kinds["allowance"] == 2
    assert kinds["enforcement"] > 0
    known = world.truth()["accounts"]
    banned = {c["account_id"] for c in controls if c["kind"] == "enforcement"}
    assert {known[a]["kind"] for a in banned if a in known} == {"ban_and_replace"}
    assert [c["at"] for c in controls] == sorted(c["at"] for c in controls)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_runs_small(name: str) -> None:
    world = Simulation(preset(name, scale=0.004, days=2.0), 1, END_MS)
    assert sum(len(part) for part in world.slices()) > 0
    scenarios = {facts["scenario"] for facts in world.truth()["accounts"].values()}
    assert ("A1" in scenarios) == (name in ("quick", "standard", "published"))
    assert (name == "calm") == (not world.truth()["campaigns"])
