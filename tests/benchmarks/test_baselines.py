"""The baselines decide with what they have seen, and catch what each is for."""

from __future__ import annotations

import random
from typing import Any

import pytest

from benchmarks.baselines.chance import Coin
from benchmarks.baselines.components import Components
from benchmarks.baselines.event import DAY_MS, HOUR_MS, Baseline, Event, Reader
from benchmarks.baselines.prefixes import AccountsPerPrefix
from benchmarks.baselines.trees import AccountTrees
from benchmarks.baselines.volume import OwnPast, RateLimit
from benchmarks.judging.contenders import BASELINES

START = 1_780_272_000_000

SENSITIVE: dict[str, Any] = {
    "never": None,
    "coin": 0.5,
    "rate limit": 5,
    "own z-score": 1.0,
    "accounts per prefix": 3,
    "union-find": 4,
    "capped union-find": (4, 10),
    "half-space trees": 0.5,
}


def event(number: int, account: str, time: int, **more: Any) -> Event:
    return Event(f"e{number}", time, account, 100, 200, **more)


def crowd(days: int = 12, accounts: int = 60) -> list[Event]:
    """Accounts of every size, in arrival order with some lateness, some sharing values."""
    draw = random.Random(5)
    events = []
    for day in range(days):
        for who in range(accounts):
            for _ in range(draw.choice([0, 1, 2, 4, 12])):
                at = START + day * DAY_MS + draw.randrange(DAY_MS)
                events.append((at + draw.randrange(HOUR_MS // 4), at, who))
    return [
        event(
            number,
            f"a{who}",
            at,
            payment_fp=f"c{who // 3}" if who % 2 else None,
            device_fp=f"d{who // 2}",
            ip_prefix_fp=f"p{draw.randrange(accounts // 5)}",
            status=draw.choice([200, 200, 200, 429]),
        )
        for number, (_, at, who) in enumerate(sorted(events))
    ]


def told(baseline: Baseline, events: list[Event], batch: int) -> list[dict[str, Any]]:
    return [a for at in range(0, len(events), batch) for a in baseline.observe(events[at:][:batch])]


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_says_of_a_prefix_what_it_says_of_the_whole_up_to_there(name: str) -> None:
    events = crowd(days=30)  # trees are silent on their first thousand account-days
    whole = told(BASELINES[name].make(SENSITIVE[name]), events, 97)
    assert bool(whole) == (name != "never")
    for cut in (1, len(events) // 3, len(events) // 2, len(events) - 1):
        prefix = told(BASELINES[name].make(SENSITIVE[name]), events[:cut], len(events))
        assert prefix == whole[: len(prefix)]
        now = max(e.event_time for e in events[:cut])
        assert all(alert["as_of"] <= now for alert in prefix)
        # What the whole says later was decided no earlier than the cut.
        assert all(alert["as_of"] >= now for alert in whole[len(prefix) :])


@pytest.mark.parametrize("name", BASELINES)
def test_how_a_stream_is_cut_into_batches_changes_nothing(name: str) -> None:
    events = crowd(days=6)
    one, other = (told(BASELINES[name].make(SENSITIVE[name]), events, n) for n in (1, 1000))
    assert one == other


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_names_nobody_it_has_not_heard(name: str) -> None:
    events = crowd(days=3)
    heard = {e.account_id for e in events}
    said = told(BASELINES[name].make(SENSITIVE[name]), events, 50)
    assert {a["account_id"] for a in said if a["kind"] == "account"} <= heard


def named(alerts: list[dict[str, Any]]) -> set[str]:
    return {a["account_id"] for a in alerts if a["kind"] == "account"}


def test_the_rate_limit_counts_a_day_and_not_the_next() -> None:
    split = [event(n, "a", START + DAY_MS - 3 + n) for n in range(6)]
    assert named(RateLimit(5).observe(split)) == set()
    assert named(RateLimit(5).observe([event(n, "a", START + n) for n in range(6)])) == {"a"}


def test_the_z_score_knows_an_account_by_its_own_past() -> None:
    calm = [event(n, "a", START + n // 10 * DAY_MS + n) for n in range(60)]
    burst = [event(100 + n, "a", START + 6 * DAY_MS + n) for n in range(60)]
    newcomer = [event(200 + n, "b", START + 6 * DAY_MS + n) for n in range(60)]
    assert named(OwnPast(4.0).observe(calm + burst + newcomer)) == {"a"}


def test_a_full_prefix_names_those_behind_it_and_whoever_comes_after() -> None:
    behind = [event(n, f"a{n}", START + n, ip_prefix_fp="p") for n in range(4)]
    assert named(AccountsPerPrefix(3).observe(behind)) == {"a0", "a1", "a2", "a3"}
    apart = [event(n, f"a{n}", START + n * DAY_MS, ip_prefix_fp="p") for n in range(4)]
    assert named(AccountsPerPrefix(3).observe(apart)) == set()


def test_union_find_reaches_over_different_values_and_the_cap_stops_hubs() -> None:
    chain = [
        event(0, "a", START, payment_fp="c1"),
        event(1, "b", START, payment_fp="c1", device_fp="d1"),
        event(2, "c", START, device_fp="d1"),
    ]
    assert named(Components(3).observe(chain)) == {"a", "b", "c"}
    assert named(Components(3, cap=2).observe(chain)) == {"a", "b", "c"}
    assert named(Components(3, cap=2, on="card").observe(chain)) == set()
    assert named(Components(2, on="device, prefix").observe(chain)) == {"b", "c"}
    hub = [event(n, f"h{n}", START, ip_prefix_fp="p") for n in range(20)]
    assert len(named(Components(6).observe(hub))) == 20
    assert named(Components(6, cap=5).observe(hub)) == set()


def test_components_that_grow_together_become_one_campaign() -> None:
    baseline = Components(2)
    baseline.observe([event(n, f"a{n}", START, payment_fp=f"c{n // 2}") for n in range(4)])
    joined = baseline.observe([event(9, "a0", START + 1, device_fp="d")])
    joined += baseline.observe([event(10, "a2", START + 2, device_fp="d")])
    assert [(a["campaign_id"], a["merged_into"]) for a in joined] == [("a2", "a0")]


def test_the_coin_names_its_share_whoever_they_are() -> None:
    everybody = [event(n, f"a{n}", START + n) for n in range(4000)]
    assert 0.08 < len(named(Coin(0.1).observe(everybody))) / 4000 < 0.12


def test_the_trees_find_a_day_unlike_the_others() -> None:
    draw = random.Random(3)
    events = []
    for day in range(30):
        for who in range(100):
            morning = START + day * DAY_MS + 9 * HOUR_MS
            events += [(morning + n * HOUR_MS // 4, f"a{who}") for n in range(draw.randrange(3, 9))]
    events += [(START + 28 * DAY_MS + n * 20_000, "odd") for n in range(4000)]
    heard = [event(n, who, at) for n, (at, who) in enumerate(sorted(events))]
    said = named(AccountTrees(0.9).observe(heard))
    assert "odd" in said
    assert len(said) < 10


def test_redelivered_events_reach_no_baseline_twice() -> None:
    value = b'{"event_id":"1","event_time":5,"account_id":"a","input_tokens":1,"output_tokens":2}'
    reader = Reader()
    assert len(reader.read([value, value])) == 1
    assert reader.read([value, b"no event"]) == []


def test_requests_whose_usage_is_null_reach_baselines_too() -> None:
    value = (
        b'{"event_id":"1","event_time":5,"account_id":"a","input_tokens":null,"output_tokens":2}'
    )
    (heard,) = Reader().read([value])
    assert AccountTrees(0.9).observe([heard]) == []
