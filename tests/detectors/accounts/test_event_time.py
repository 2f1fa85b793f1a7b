"""By whose word event time goes on in a partition: several accounts', never one row's, and never nobody's."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import orjson
import pytest

from detectors.accounts import state as st
from detectors.accounts.event_time import voices
from detectors.accounts.partition import AccountPartition
from detectors.decode.decoder import Decoder
from tests.detectors.accounts.traffic import WEEK, aside, late, taken, traffic
from tests.stage_stories import DAY, HOUR, KEY, MINUTE, START, config, feed, request


@pytest.mark.parametrize("at", [1, 2, 5, 30, 300, 599])
@pytest.mark.parametrize("accounts", [1, 2, 20])
@pytest.mark.parametrize("ahead", [6 * MINUTE, 59 * MINUTE, 25 * HOUR, WEEK, 3650 * DAY])
def test_one_row_ahead_makes_no_other_late(at: int, accounts: int, ahead: int) -> None:
    events = traffic(600, accounts)
    wrong = {**events[at], "event_id": "wrong", "event_time": events[at]["event_time"] + ahead}
    partition = taken([*events[:at], wrong, *events[at:]])
    clean = taken(events)
    assert late(partition) == 0
    assert partition.watermark == clean.watermark
    if at >= 30:
        assert aside(partition) == (ahead >= WEEK)


@pytest.mark.parametrize("ahead", [59 * MINUTE, WEEK, 3650 * DAY])
@pytest.mark.parametrize("accounts", [1, 2, 20])
def test_a_stream_whose_first_row_is_wrong_begins_with_those_that_agree(
    ahead: int, accounts: int
) -> None:
    events = traffic(600, accounts)
    wrong = request(-1, START + ahead, "a-0")
    partition = taken([wrong, *events])
    assert late(partition) <= 3
    assert partition.watermark == events[-1]["event_time"] - 10 * MINUTE


@pytest.mark.parametrize("ahead", [20 * MINUTE, HOUR, DAY, WEEK, 365 * DAY])
@pytest.mark.parametrize("rows", [2, 8])
def test_one_account_whose_first_rows_are_wrong_does_not_begin_a_stream_for_the_others(
    ahead: int, rows: int
) -> None:
    events = traffic(3_000, 20, 1_000)
    wrong = [request(-n - 1, START + ahead + n * MINUTE, "wrong") for n in range(rows)]
    partition = taken([*wrong, *events])
    assert late(partition) <= (rows + 1 if ahead > 22 * DAY else 0)
    assert partition.watermark == events[-1]["event_time"] - 10 * MINUTE


@pytest.mark.parametrize("spacing", [MINUTE, 10 * MINUTE, HOUR])
@pytest.mark.parametrize("ahead", [DAY, WEEK])
@pytest.mark.parametrize("accounts", [4, 5, 10])
def test_where_rows_are_rare_one_account_ahead_for_good_still_moves_no_time(
    accounts: int, ahead: int, spacing: int
) -> None:
    lot = random.Random(accounts)
    events = [request(n, START + n * spacing, f"a-{lot.randrange(accounts)}") for n in range(400)]
    wrong = [
        e | {"event_time": e["event_time"] + ahead * (e["account_id"] == "a-0")} for e in events
    ]
    assert late(taken(wrong)) <= 3


@pytest.mark.parametrize("who", [1, 3])
@pytest.mark.parametrize("rows", [40, 400])
def test_a_burst_of_few_accounts_an_hour_ahead_makes_no_other_late(who: int, rows: int) -> None:
    events = traffic(20_600, spacing=500)
    at = events[600]["event_time"] + 59 * MINUTE
    burst = [request(-n - 1, at + n * 500, f"fast-{n % who}") for n in range(rows)]
    partition = taken([*events[:600], *burst, *events[600:]])
    assert late(partition) == 0
    assert partition.counters[st.AHEAD] >= rows


@pytest.mark.parametrize("share", [0.1, 0.2])
@pytest.mark.parametrize("accounts", [5, 20, 500])
@pytest.mark.parametrize("drift", [False, True])
def test_a_gateway_that_is_an_hour_ahead_for_good_moves_no_time(
    share: float, accounts: int, drift: bool
) -> None:
    lot = random.Random(7)
    events = traffic(12_000, accounts, 1_000)
    for n, event in enumerate(events):
        if lot.random() < share:
            event["event_time"] += 59 * MINUTE * (n if drift else len(events)) // len(events)
    partition = taken(events)
    assert late(partition) == 0
    assert partition.watermark <= START + 12_000_000 - 5 * MINUTE
    assert partition.watermark >= START + 12_000_000 - 16 * MINUTE


@pytest.mark.parametrize("pause", [20 * MINUTE, 14 * HOUR, 63 * HOUR])
@pytest.mark.parametrize("accounts", [1, 2, 20, 500])
def test_time_goes_on_after_a_night_or_a_weekend_and_nothing_is_lost(
    pause: int, accounts: int
) -> None:
    before = traffic(600, accounts)
    after = traffic(600, accounts, first=START + HOUR + pause, number=600)
    partition = taken([*before, *after])
    assert late(partition) == aside(partition) == 0
    assert partition.counters[st.ACCEPTED] == 1_200
    assert partition.watermark >= after[-1]["event_time"] - 16 * MINUTE


@pytest.mark.parametrize(("accounts", "lost"), [(20, 32), (500, 32), (1, 200)])
def test_time_goes_on_after_a_week_of_silence_and_few_are_set_aside(
    accounts: int, lost: int
) -> None:
    before = traffic(600, accounts)
    after = traffic(600, accounts, first=START + WEEK, number=600)
    partition = taken([*before, *after])
    assert late(partition) == 0
    assert 0 < aside(partition) <= lost
    assert partition.watermark >= after[-1]["event_time"] - 16 * MINUTE


@pytest.mark.parametrize("spacing", [5 * MINUTE, 11 * MINUTE, HOUR, 9 * HOUR, DAY, WEEK])
def test_an_account_alone_in_its_partition_loses_nothing_and_is_followed(spacing: int) -> None:
    events = [request(n, START + n * spacing) for n in range(60)]
    partition = taken(events)
    assert late(partition) == 0
    assert aside(partition) == 0
    assert partition.watermark >= events[-5]["event_time"] - 10 * MINUTE
    partition.drain()
    assert (partition.state.minutes["requests"] == 0).all()


def test_a_wrong_row_that_is_sent_again_and_again_says_it_once() -> None:
    events = traffic(600)
    wrong = request(-1, events[300]["event_time"] + 59 * MINUTE, "a-3")
    partition = taken([*events[:300], *[wrong] * 500, *events[300:]])
    assert late(partition) == 0
    assert partition.counters[st.DUPLICATE] == 499


def test_old_data_may_be_read_and_what_is_out_of_order_is_late_as_ever() -> None:
    events = traffic(600, first=START - 400 * DAY)
    old = [{**e, "event_id": f"o-{n}"} for n, e in enumerate(events[:50])]
    partition = taken([*events, *old])
    assert late(partition) == 50
    assert partition.watermark == events[-1]["event_time"] - 10 * MINUTE


def test_what_is_ahead_takes_a_quarter_of_the_open_minutes_and_no_more() -> None:
    partition = AccountPartition(config(minute_rows=1_000), 0)
    feed(partition, traffic(600))
    for n in range(1_000):
        at = START + HOUR + n * 10
        ahead = request(10_000 + n, at + 2 * HOUR + n % 50 * MINUTE, f"f-{n}")
        feed(partition, [request(20_000 + n, at, f"a-{n % 20}"), ahead])
    assert 0 < partition.counters[st.AHEAD] <= 250
    assert partition.counters[st.MINUTE_OVERFLOW] == late(partition) == 0
    assert aside(partition) >= 750


def test_beyond_that_quarter_there_is_room_for_customers_with_a_past() -> None:
    partition = AccountPartition(config(minute_rows=1_000), 0)
    feed(partition, traffic(800, 20, 6 * MINUTE))  # three days and a bit
    now = START + 800 * 6 * MINUTE
    for n in range(1_000):
        ahead = request(10_000 + n, now + 2 * HOUR + n % 50 * MINUTE, f"f-{n}")
        feed(partition, [request(30_000 + n, now + n * 10, f"a-{n % 20}"), ahead])
    refused = int(partition.counters[st.TOO_FAR])
    assert refused >= 700
    feed(partition, [request(20_000 + n, now + 2 * HOUR, f"a-{n}") for n in range(10)])
    assert partition.counters[st.TOO_FAR] == refused


def test_a_record_without_any_timestamp_is_held_against_what_others_say() -> None:
    values = [decoded_value(e) for e in traffic(600)]
    values.insert(300, decoded_value(request(-1, START + WEEK, "a-3")))
    partition = AccountPartition(config(), 0)
    partition.ingest(Decoder(KEY).decode(values, np.full(601, -1, np.int64)))
    assert (late(partition), aside(partition)) == (0, 1)


@pytest.mark.parametrize("lots", [0, 1, -1, 1 << 62, 0b1011, -(1 << 63)])
def test_lots_are_counted(lots: int) -> None:
    assert voices(np.int64(lots)) == bin(lots & (2**64 - 1)).count("1")


def decoded_value(event: dict[str, Any]) -> bytes:
    return orjson.dumps(event)
