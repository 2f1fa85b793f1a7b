"""Windows of accounts against a plain reading of the same events."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.accounts import state as st
from detectors.accounts.layout import WINDOW
from detectors.accounts.minutes import MOST_COUNTED
from detectors.accounts.partition import AccountPartition
from detectors.contract.request_event import CAPABILITIES
from tests.stage_stories import HOUR, MINUTE, START, config, decoded, feed, request, row_of

BENIGN = settings(max_examples=25)


@hs.composite
def _worlds(draw: hs.DrawFn) -> list[dict[str, Any]]:
    """Up to 120 requests of three accounts within three hours, in order of time."""
    times = sorted(draw(hs.lists(hs.integers(0, 3 * HOUR - 1), min_size=1, max_size=120)))
    picks = draw(hs.lists(hs.integers(0, 2**32 - 1), min_size=len(times), max_size=len(times)))
    made = []
    for number, (time, pick) in enumerate(zip(times, picks, strict=True)):
        optional = {
            "cost_usd": pick % 1000 / 1000,
            "capability": CAPABILITIES[pick % 10],
            "device_fp": f"k1:{pick % 5}",
            "ip_prefix_fp": f"k1:{pick % 7}",
            "template_fp": f"{pick % 6:016x}",
            # a model is known from its first answer on, so the first requests have one
            "status": (200, 200, 400, 429, 500)[pick % 5 if number > 1 else 0],
        }
        kept = {name: value for i, (name, value) in enumerate(optional.items()) if pick >> i & 1}
        made.append(
            request(
                number,
                START + time,
                "abc"[pick % 3],
                **kept
                | {"model": f"m-{(pick if number > 1 else number) % 2}"}
                | {"input_tokens": pick % 997},
            )
        )
    return made


def _reference(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What a window over one account's events holds, read plainly."""
    return {
        "requests": len(events),
        "input": sum(e["input_tokens"] for e in events),
        "output": sum(e["output_tokens"] for e in events),
        "cost": sum(round(e.get("cost_usd", 0) * 1e6) for e in events),
        "capability": [sum(e.get("capability") == c for e in events) for c in CAPABILITIES],
        "templates": sorted(
            Counter(e["template_fp"] for e in events if "template_fp" in e).values()
        ),
    }


def _kept(window: np.void) -> dict[str, Any]:
    return {
        **{name: int(window[name]) for name in ("requests", "input", "output", "cost")},
        "capability": window["capability"].tolist(),
        "templates": sorted(n for n in window["templates"].tolist() if n),
    }


def _same(window: np.void, events: list[dict[str, Any]]) -> None:
    kept, expected = _kept(window), _reference(events)
    assert kept == expected


@BENIGN
@given(_worlds())
def test_an_open_day_equals_a_plain_reading_of_its_events(events: list[dict[str, Any]]) -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, events)
    partition.raise_mark(START + 4 * HOUR)
    by_account = defaultdict(list)
    for event in events:
        by_account[event["account_id"]].append(event)
    for account, own in by_account.items():
        row = row_of(partition, account)
        (at,) = np.flatnonzero(partition.state.accounts["fp"] == row["fp"])
        _same(partition.state.days[at], own)


@BENIGN
@given(_worlds())
def test_an_open_hour_equals_a_plain_reading_of_its_events(events: list[dict[str, Any]]) -> None:
    partition = AccountPartition(config(), 0)
    first_hour = [e for e in events if e["event_time"] < START + HOUR]
    feed(partition, first_hour)
    partition.raise_mark(START + HOUR - MINUTE)
    by_account = defaultdict(list)
    for event in first_hour:
        if event["event_time"] < START + HOUR - MINUTE:
            by_account[event["account_id"]].append(event)
    for account, own in by_account.items():
        _same(partition.state.hours[row_of(partition, account)["hour_row"]], own)


@BENIGN
@given(_worlds(), hs.randoms())
def test_order_within_a_tick_changes_no_closed_window(
    events: list[dict[str, Any]], random: Any
) -> None:
    ticks = [list(g) for _, g in itertools.groupby(events, lambda e: e["event_time"] // MINUTE)]
    shuffled = [e for tick in ticks for e in random.sample(tick, len(tick))]
    told = []
    for order in (events, shuffled):
        partition = AccountPartition(config(), 0)
        feed(partition, [request(-1, START - MINUTE, "w", model="m-0")])
        feed(partition, [request(-2, START - MINUTE, "w", model="m-1")])
        feed(partition, order)
        partition.raise_mark(START + 4 * HOUR)
        state = partition.state
        rows = np.flatnonzero(state.accounts["used"])
        told.append(
            {
                int(state.accounts["fp"][row]): [
                    state.days[row][name].tolist()
                    for name in WINDOW.names or ()
                    if name != "account"
                ]
                for row in rows
            }
        )
    assert told[0] == told[1]


@pytest.mark.parametrize("tokens", [MOST_COUNTED + 1, 2**63 - 1])
def test_absurd_token_counts_are_bounded_and_wrap_no_sum(tokens: int) -> None:
    partition = AccountPartition(config(), 0)
    events = [request(n, START + n, input_tokens=tokens, output_tokens=tokens) for n in range(50)]
    closed = feed(partition, events) + partition.raise_mark(START + 20 * MINUTE)
    row = row_of(partition, "a")
    hour = partition.state.hours[row["hour_row"]]
    for name in ("input", "output"):
        assert hour[name] == 50 * MOST_COUNTED
    assert [t.tick for t in closed] == [START // MINUTE]


def test_an_event_time_that_no_tick_can_carry_is_counted_and_moves_nothing() -> None:
    partition = AccountPartition(config(), 0)
    events = decoded([request(0, START), request(1, START), request(2, START + 1)])
    events.events["event_time"][1] = 2**63 - 1  # the decoder lets no such time through
    partition.ingest(events)
    assert partition.counters[st.BEYOND] == 1
    assert partition.counters[st.ACCEPTED] == 2
    assert partition.watermark == START + 1 - 10 * MINUTE
