"""Attackers that adapt: what they do changes with the alerts that they are told, and only then."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import orjson
import pytest

from worlds.simulation import Simulation
from worlds.spec import Chosen, WorldSpec

END_MS = 1_777_000_000_000
DAY_MS = 86_400_000
SPEC = WorldSpec(
    days=10.0,
    accounts=40,
    seats=0,
    pieces=(Chosen("adaptive", {"accounts": 30, "starts": 0.05, "stock": 1.0}),),
)

FAMILIES = (("ip_prefix_fp",), ("device_fp",), ("payment_fp",), ("template_fp", "system_fp"))


def alert(account: str, action: str, as_of: int, number: int = 1) -> dict[str, Any]:
    return {
        "alert_id": f"{account}-{number}",
        "kind": "account",
        "account_id": account,
        "state": "open",
        "action": action,
        "as_of": as_of,
    }


def run(actions: dict[int, str], everybody: bool = False) -> dict[str, Any]:
    """Run the world and, at the end of each day named, act on every attacker's account at work."""
    world = Simulation(SPEC, 1, END_MS)
    text: list[bytes] = []
    day = 0
    told = []  # how many events had come at each action
    attackers: set[str] = set()
    for part in world.slices():
        text += part.values
        for key, guilty in zip(part.keys, part.guilty.tolist(), strict=True):
            if guilty or everybody:
                attackers.add(key.decode())
        now = int(part.timestamps[-1])
        if (now - world.start_ms) // DAY_MS > day:
            day += 1
            if action := actions.get(day):
                world.tell([alert(a, action, now, day) for a in sorted(attackers)])
                told.append(len(text))
    events = [orjson.loads(value) for value in text]
    return {
        "text": text,
        "events": events,
        "truth": world.truth(),
        "start": world.start_ms,
        "told": told,
    }


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Any]:
    return run({})


def _requests(result: dict[str, Any], first: int, last: int) -> int:
    guilty = {a for a, f in result["truth"]["accounts"].items() if f["label"] == "attack"}
    low, high = result["start"] + first * DAY_MS, result["start"] + last * DAY_MS
    return sum(
        e["account_id"] in guilty and low <= e["event_time"] < high for e in result["events"]
    )


def test_advice_to_observe_and_alerts_about_others_change_nothing(
    undisturbed: dict[str, Any],
) -> None:
    assert run({4: "observe"}, everybody=True)["text"] == undisturbed["text"]
    world = Simulation(SPEC, 1, END_MS)
    world.tell([alert("a-somebody", "suspend", END_MS)])
    assert [v for part in world.slices() for v in part.values] == undisturbed["text"]


def test_the_same_feedback_gives_the_same_world_again() -> None:
    assert run({4: "throttle"})["text"] == run({4: "throttle"})["text"]


def test_a_throttled_network_halves_its_rate_and_leaves_its_prefixes(
    undisturbed: dict[str, Any],
) -> None:
    throttled = run({5: "throttle"})
    assert _requests(throttled, 0, 5) == _requests(undisturbed, 0, 5)
    assert _requests(throttled, 6, 10) / _requests(undisturbed, 6, 10) == pytest.approx(
        0.5, abs=0.1
    )
    campaign = set(throttled["truth"]["campaigns"][0]["accounts"])

    def prefixes(first: int, last: int) -> set[str]:
        low, high = throttled["start"] + first * DAY_MS, throttled["start"] + last * DAY_MS
        return {
            e["ip_prefix_fp"]
            for e in throttled["events"]
            if e["account_id"] in campaign and low <= e["event_time"] < high and "ip_prefix_fp" in e
        }

    assert not prefixes(0, 5) & prefixes(6, 10)


def test_each_further_action_changes_the_next_family_of_what_is_shared_and_no_other() -> None:
    result = run(dict.fromkeys((3, 4, 5, 6), "throttle"))
    bounds = [0, *result["told"], len(result["events"])]
    spans = [result["events"][first:last] for first, last in pairwise(bounds)]
    campaign = set(result["truth"]["campaigns"][0]["accounts"])
    campaign &= {e["account_id"] for e in spans[0]}  # those that heard of every action

    def used(family: tuple[str, ...], span: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
        return {
            (e["account_id"], field, e[field])
            for e in span
            for field in family
            if e["account_id"] in campaign and field in e
        }

    for action, (before, after) in enumerate(pairwise(spans)):
        for place, family in enumerate(FAMILIES):
            was, came = used(family, before), used(family, after)
            assert was, (action, family)
            assert came, (action, family)
            assert bool(was & came) is (place != action), (action, family)


def test_suspended_accounts_fall_silent_and_those_in_stock_take_over(
    undisturbed: dict[str, Any],
) -> None:
    suspended = run({5: "suspend"})
    known = undisturbed["truth"]["campaigns"][0]["accounts"]
    members = suspended["truth"]["campaigns"][0]["accounts"]
    assert len(known) == 30
    assert len(members) == 60
    after = suspended["start"] + 6 * DAY_MS
    late = {e["account_id"] for e in suspended["events"] if e["event_time"] >= after}
    assert not late & set(known)
    assert _requests(suspended, 7, 10) > 0.6 * _requests(undisturbed, 7, 10)
