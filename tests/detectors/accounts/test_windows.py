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
from detectors.interface.columns import ASNS, DEVICES, PREFIXES, SESSIONS, TEMPLATES
from detectors.kernels.distinct_counts import count_double, count_single
from tests.stage_stories import DAY, HOUR, MINUTE, START, config, decoded, feed, request, row_of

BENIGN = settings(max_examples=25)


@hs.composite
def _worlds(draw: hs.DrawFn) -> list[dict[str, Any]]:
    """Up to 120 requests of three accounts within three hours, in order of time."""
    times = sorted(draw(hs.lists(hs.integers(0, 3 * HOUR - 1), min_size=1, max_size=120)))
    picks = draw(hs.lists(hs.integers(0, 2**32 - 1), min_size=len(times), max_size=len(times)))
    made = []
    for number, (time, pick) in enumerate(zip(times, picks, strict=True)):
        optional = {
            "reasoning_tokens": pick % 50,
            "cost_usd": pick % 1000 / 1000,
            "capability": CAPABILITIES[pick % 10],
            "lang": ("en", "de", "zh")[pick % 3],
            "device_fp": f"k1:{pick % 5}",
            "ip_prefix_fp": f"k1:{pick % 7}",
            "session_id": f"s-{pick % 11}",
            "prompt_fp": f"k1:{pick % 40}",
            "template_fp": f"{pick % 6:016x}",
            "asn": 64_500 + pick % 4,
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
    times = sorted(e["event_time"] for e in events)
    gaps = []
    for before, after in itertools.pairwise(times):
        # Inside a minute gaps are to the second; across minutes exact, from the last event.
        if before // MINUTE == after // MINUTE:
            gaps.append((after // 1000 - before // 1000) * 1000)
        else:
            gaps.append(after - before)
    bins = Counter(next((b for b in range(7) if gap // 1000 < 4**b), 7) for gap in gaps)
    status = [e.get("status", 0) for e in events]
    return {
        "requests": len(events),
        "input": sum(e["input_tokens"] for e in events),
        "output": sum(e["output_tokens"] for e in events),
        "reasoning": sum(e.get("reasoning_tokens", 0) for e in events),
        "cost": sum(round(e.get("cost_usd", 0) * 1e6) for e in events),
        "errors": sum(s >= 400 for s in status),
        "throttled": status.count(429),
        "first": times[0],
        "last": times[-1],
        "gap_sum": sum(gaps),
        "gap_squares": sum((g // 1000) ** 2 for g in gaps),
        "gaps": [bins[b] for b in range(8)],
        "capability": [sum(e.get("capability") == c for e in events) for c in CAPABILITIES],
        "model": sorted(Counter(e["model"] for e in events).values()),
        "language": sorted(Counter(e["lang"] for e in events if "lang" in e).values()),
        "active": sum(1 << h for h in {t % DAY // HOUR for t in times}),
        "distinct": {
            name: len({e[field] for e in events if field in e})
            for name, field in (
                ("prefixes", "ip_prefix_fp"),
                ("asns", "asn"),
                ("devices", "device_fp"),
                ("sessions", "session_id"),
                ("templates", "template_fp"),
            )
        },
    }


def _kept(window: np.void) -> dict[str, Any]:
    words = window["distinct"]
    plain = ("requests", "input", "output", "reasoning", "cost", "errors", "throttled")
    times = ("first", "last", "gap_sum", "gap_squares", "active")
    return {
        **{name: int(window[name]) for name in plain + times},
        "gaps": window["gaps"].tolist(),
        "capability": window["capability"].tolist(),
        "model": sorted(n for n in window["model"].tolist() if n),
        "language": sorted(n for n in window["language"].tolist() if n),
        "distinct": {
            "prefixes": count_single(words[PREFIXES]),
            "asns": count_single(words[ASNS]),
            "devices": count_single(words[DEVICES]),
            "sessions": count_double(words[SESSIONS], words[SESSIONS + 1]),
            "templates": count_double(words[TEMPLATES], words[TEMPLATES + 1]),
        },
    }


def _same(window: np.void, events: list[dict[str, Any]]) -> None:
    kept, expected = _kept(window), _reference(events)
    counts, truth = kept.pop("distinct"), expected.pop("distinct")
    languages = kept.pop("language"), expected.pop("language")
    assert kept == expected
    assert sum(languages[0]) == sum(languages[1])  # two languages may share one of eight slots
    for name, count in truth.items():
        assert counts[name] == pytest.approx(count, abs=2.5), name


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
        assert row["requests"] == len(own)


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
    events = [
        request(n, START + n, input_tokens=tokens, output_tokens=tokens, reasoning_tokens=tokens)
        for n in range(50)
    ]
    closed = feed(partition, [*events, request(99, START + 30 * MINUTE)])
    row = row_of(partition, "a")
    hour = partition.state.hours[row["hour_row"]]
    for name in ("input", "output", "reasoning"):
        assert hour[name] == 50 * MOST_COUNTED
    assert row["input"] == 50 * MOST_COUNTED + 10
    assert [t.tick for t in closed] == [START // MINUTE]


def test_a_gap_of_centuries_wraps_no_sum() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(n, 1000 + n * 100 * 365 * DAY) for n in range(20)])
    partition.drain()
    assert (partition.state.days["gap_squares"] >= 0).all()


def test_an_event_time_that_no_tick_can_carry_is_counted_and_moves_nothing() -> None:
    partition = AccountPartition(config(), 0)
    events = decoded([request(0, START), request(1, START), request(2, START + 1)])
    events.events["event_time"][1] = 2**63 - 1  # the decoder lets no such time through
    partition.ingest(events)
    assert partition.counters[st.BEYOND] == 1
    assert partition.counters[st.ACCEPTED] == 2
    assert partition.watermark == START + 1 - 10 * MINUTE
