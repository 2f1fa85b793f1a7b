"""The account stage: batches, lateness, watermarks, days and what an account learns."""

from __future__ import annotations

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from detectors.accounts import state as st
from detectors.accounts.close_hour import trailing_day
from detectors.accounts.event_time import BEGINNING
from detectors.accounts.layout import ACCOUNT
from detectors.accounts.partition import AccountPartition
from detectors.contract.request_event import USAGE
from detectors.decode.decoder import Decoder
from detectors.interface.clock import NO_TIME
from detectors.interface.detector import Context, Window
from detectors.interface.key_kinds import DEVICE, PAYMENT
from detectors.volume import AccountVolume
from tests.stage_stories import (
    DAY,
    HOUR,
    KEY,
    MINUTE,
    START,
    config,
    decoded,
    feed,
    past_of,
    request,
    row_of,
    said,
)
from worlds.world import build


@pytest.fixture(scope="module")
def world() -> list[bytes]:
    """Some thousand records of a day, with late and redelivered ones among them."""
    records = [v for c in build(3, 1.2, 150, START, hydra_accounts=40).chunks() for v in c.values]
    records = records[:6000]
    for at in range(1000, len(records), 50):
        late = orjson.loads(records[at - 900])
        records[at] = orjson.dumps({**late, "event_id": f"late-{at}"})
    return records


@pytest.mark.parametrize("batch", [1, 7, 2000])
def test_what_a_partition_says_does_not_depend_on_batches(world: list[bytes], batch: int) -> None:
    told = []
    for size in (len(world), batch):
        partition = AccountPartition(config(partitions=2), 0)
        closed = []
        for first in range(0, len(world), size):
            closed += partition.ingest(Decoder(KEY).decode(world[first : first + size]))
        told.append((said(closed), partition.counters.tolist()))
    assert told[0] == told[1]
    assert sum(len(records) for _, records in told[0][0]) > 500
    assert told[0][1][st.DUPLICATE] > 0
    assert told[0][1][st.LATE] > 0


def test_an_event_is_late_from_the_first_millisecond_behind_the_closed_ticks() -> None:
    partition = AccountPartition(config(allowed_lateness_minutes=10), 0)
    feed(partition, [request(-n, START + 10 * MINUTE) for n in range(BEGINNING)])
    feed(partition, [request(1, START)])
    assert partition.counters[st.LATE] == 0
    feed(partition, [request(2, START - 1)])
    assert partition.counters[st.LATE] == 1
    feed(partition, [request(3, START + 11 * MINUTE - 1), request(4, START)])
    assert partition.counters[st.LATE] == 1
    feed(partition, [request(5, START + 11 * MINUTE), request(6, START + MINUTE - 1)])
    assert partition.counters[st.LATE] == 2


@pytest.mark.parametrize(
    ("behind", "place"),
    [
        (MINUTE - 1, st.LATE_MINUTE),
        (MINUTE, st.LATE_TEN),
        (10 * MINUTE, st.LATE_HOUR),
        (HOUR, st.LATE_DAY),
        (DAY, st.LATE_LONGER),
    ],
)
def test_late_events_are_counted_by_how_late_they_are(behind: int, place: int) -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(-n, START + 10 * MINUTE) for n in range(BEGINNING)])
    feed(partition, [request(1, START - behind)])
    assert partition.counters[place] == partition.counters[st.LATE] == 1


def test_a_late_event_dates_its_account_and_links_but_changes_no_window() -> None:
    told = {}
    late = request(9, START - HOUR, "a", payment_fp="k1:late", input_tokens=500)
    for name, extra in (("with", [late]), ("without", [])):
        partition = AccountPartition(config(), 0)
        feed(partition, [request(0, START, "a", payment_fp="k1:p")])
        feed(partition, [request(1, START + 15 * MINUTE, "a", payment_fp="k1:p")])
        partition.raise_mark(START + 5 * MINUTE)
        opened = partition.closed + 1
        closed = feed(partition, extra) + partition.raise_mark(START + 2 * HOUR)
        edges = [(t.tick, e) for t in closed for h in t.hand_overs.values() for e in h.edges]
        sums = [
            (t.tick, h.sums.tobytes(), h.ones.tobytes(), t.findings)
            for t in closed
            for h in t.hand_overs.values()
            if h.sums.size or h.ones.size
        ]
        first = row_of(partition, "a")["first"]
        told[name] = sums, partition.state.days[0].copy(), first, edges
    assert told["with"][0] == told["without"][0]
    assert told["with"][1] == told["without"][1]
    assert (told["with"][2], told["without"][2]) == (START - HOUR, START)
    assert [tick for tick, _ in told["with"][3]] == [opened]
    assert told["with"][3][0][1]["time"] == START - HOUR
    assert not told["without"][3]


def test_the_name_of_an_account_that_comes_late_is_told_when_the_open_tick_closes() -> None:
    partition = AccountPartition(config(account_expiry_days=2), 0)
    feed(partition, [request(0, START + DAY - MINUTE, "early")])
    partition.raise_mark(START + DAY - MINUTE)
    ancient = request(1, START - 30 * DAY, "ancient", org_id="an-org")
    feed(partition, [ancient])
    (closed,) = [t for t in partition.raise_mark(START + DAY) if t.tick == START // MINUTE + 1439]
    assert closed.names is not None
    assert bytes(closed.names.ids).decode() == "earlyancient"
    assert bytes(closed.names.org_ids).decode() == "an-org"
    partition.raise_mark(START + 2 * DAY)
    assert int(partition.state.accounts["used"].sum()) == 1


def test_a_value_is_told_once_a_period_however_often_an_account_returns_to_it() -> None:
    partition = AccountPartition(config(key_expiry_days=2), 0)
    start = START // (2 * DAY) * 2 * DAY
    events = [
        request(n, start + n * HOUR, payment_fp=f"k1:{n % 3}", device_fp="k1:d") for n in range(96)
    ]
    closed = feed(partition, events) + partition.drain()
    told = [(h.tick, int(e["key"])) for t in closed for h in t.hand_overs.values() for e in h.edges]
    for period in (0, 1):
        first = (start + period * 2 * DAY) // MINUTE
        own = [key for tick, key in told if first <= tick < first + 2 * 1440]
        assert len(own) == len(set(own)) == 4


def test_a_key_counts_each_account_of_a_minute_once_whatever_else_it_changes() -> None:
    partition = AccountPartition(config(), 0)
    cards = [
        request(n, START + n, f"a-{n % 3}", payment_fp="k1:p", device_fp=f"k1:{n}")
        for n in range(12)
    ]
    (closed,) = feed(partition, cards) + partition.raise_mark(START + MINUTE)
    (handed,) = closed.hand_overs.values()
    (card,) = handed.sums[handed.sums["kind"] == PAYMENT]
    assert (card["accounts"], card["requests"], card["input"]) == (3, 12, 120)
    assert (handed.ones["kind"] == DEVICE).sum() == 12


@pytest.mark.parametrize("null", [("input_tokens",), ("output_tokens",), USAGE])
def test_a_request_whose_usage_is_not_known_counts_and_its_tokens_do_not(
    null: tuple[str, ...],
) -> None:
    partition = AccountPartition(config(), 0)
    known = [request(n, START + n, payment_fp="k1:p") for n in range(5)]
    unknown = [request(n, START + n, payment_fp="k1:p") for n in range(5, 12)]
    feed(partition, known + [event | dict.fromkeys(null) for event in unknown])
    (closed,) = partition.raise_mark(START + MINUTE)
    (handed,) = closed.hand_overs.values()
    (card,) = handed.sums[handed.sums["kind"] == PAYMENT]
    assert (card["requests"], card["input"], card["output"]) == (12, 50, 100)
    assert partition.counters[st.NO_USAGE] == 7
    model = partition.state.model_days[partition.state.model_days["requests"] > 0]
    assert model[["requests", "input", "output"]].tolist() == [(12, 50, 100)]


def test_a_mark_closes_ticks_and_never_goes_back() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START)])
    assert not partition.raise_mark(START - HOUR)
    assert [t.tick for t in partition.raise_mark(START + MINUTE)] == [START // MINUTE]
    assert partition.closed == START // MINUTE
    assert not partition.raise_mark(START)
    assert partition.closed == START // MINUTE
    assert partition.watermark == START + MINUTE
    feed(partition, [request(1, START)])
    assert partition.counters[st.LATE] == 1


def test_a_partition_without_events_closes_nothing_and_follows_its_mark() -> None:
    partition = AccountPartition(config(), 0)
    assert not partition.drain()
    assert not partition.ingest(decoded([]))
    assert partition.closed == partition.watermark == NO_TIME
    assert not partition.raise_mark(START)
    assert partition.closed == START // MINUTE - 1
    feed(partition, [request(0, START - 1), request(1, START)])
    assert partition.counters[st.LATE] == 1


def test_a_jump_of_centuries_forgets_who_was_silent() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START)])
    later = START + 300 * 365 * DAY
    partition.raise_mark(later)
    feed(partition, [request(1, later, "b")])
    assert partition.counters[st.ACCOUNTS_EXPIRED] == 1
    assert row_of(partition, "b")["first"] == later


@settings(max_examples=100)
@given(hs.lists(hs.tuples(hs.integers(0, 60), hs.integers(1, 500)), min_size=1, max_size=40))
def test_the_trailing_day_is_the_sum_of_the_last_24_hours(gaps: list[tuple[int, int]]) -> None:
    account = np.zeros(1, ACCOUNT)
    hours: dict[int, int] = {}
    hour = 500_000
    for gap, requests in gaps:
        hour += gap + 1
        hours[hour] = requests
        expected = sum(n for h, n in hours.items() if hour - 24 < h <= hour)
        assert trailing_day(account[0], hour, requests) == expected


def test_a_day_closes_into_the_baseline_that_the_object_form_learns() -> None:
    settings_ = config()
    partition = AccountPartition(settings_, 0)
    detector = settings_.of(AccountVolume)
    memory = detector.fresh()
    number = 0
    for day, count in enumerate((12, 40, 0, 3, 300, 25, 18, 0, 0, 44, 5)):
        events = []
        for i in range(count):
            number += 1
            events.append(request(number, START + day * DAY + i * DAY // max(count, 1)))
        feed(partition, events)
        partition.raise_mark(START + (day + 1) * DAY)
        if count:
            window = Window(
                START + day * DAY,
                START + (day + 1) * DAY,
                {"requests_24h": float(count), "day_requests": float(count)},
            )
            detector.observe(memory, window, Context())
        past = past_of(partition, "a")
        mean, variance = memory.moments()
        assert past["days"] == row_of(partition, "a")["days"] == memory.count
        assert past["mean"] == pytest.approx(mean, abs=1e-4)
        assert past["variance"] == pytest.approx(variance, abs=1e-3)
    assert (partition.state.hours["requests"] > 0).sum() <= 1


def test_an_hour_counts_for_the_day_in_which_it_ends() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START + DAY - 1), request(1, START + DAY)])
    partition.raise_mark(START + DAY)
    assert row_of(partition, "a")["days"] == 1
    partition.raise_mark(START + DAY + HOUR)
    (at,) = np.flatnonzero(partition.state.accounts["used"])
    assert partition.state.days[at]["requests"] == 1
