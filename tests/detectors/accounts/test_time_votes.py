"""What rows say of the time is one partition's own: no mark moves it, and most outvote a wrong third."""

from __future__ import annotations

import random

import pytest

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from tests.detectors.accounts.traffic import aside, taken, traffic
from tests.stage_stories import DAY, HOUR, MINUTE, START, config, feed, request


@pytest.mark.parametrize("seed", range(8))
def test_marks_move_no_partitions_own_time_whenever_they_are_applied(seed: int) -> None:
    chance = random.Random(seed)
    events, now = [], START
    for number in range(400):
        now += chance.choice([1, 20, 90, 600]) * 1_000 if number % 100 else 5 * HOUR
        off = chance.choice([0, 0, 0, 0, 0, 0, -4 * MINUTE, 59 * MINUTE])
        events.append(request(number, now + off, f"a-{chance.randrange(7)}"))
    alone, marked = taken(events), AccountPartition(config(), 0)
    for at in range(0, len(events), 10):
        feed(marked, events[at : at + 10])
        if at > 20 and chance.random() < 0.5:  # what others have reached
            marked.raise_mark(events[at]["event_time"] - 8 * MINUTE)
    own = [st.VOUCHED, st.MAX_TIME, st.RUN, st.RUN_FOR, st.SPACING]
    assert marked.state.scalars[st.MARK] > alone.state.scalars[st.MARK]
    assert marked.state.scalars[own].tolist() == alone.state.scalars[own].tolist()


@pytest.mark.parametrize("share", [0.2, 0.33])
def test_a_gateway_that_sends_what_is_a_day_old_holds_the_others_up_for_a_moment(
    share: float,
) -> None:
    chance = random.Random(7)
    events = traffic(3_000, 40, 1_500)
    for event in events:
        event["event_time"] -= DAY * (chance.random() < share)
    events[0]["event_time"] = START - DAY
    partition = taken(events)
    assert partition.watermark > events[-1]["event_time"] - 12 * MINUTE
    assert aside(partition) == 0
    assert partition.counters[st.AHEAD] < 400


@pytest.mark.parametrize("seconds", [30, 60, 120, 180, 360])
@pytest.mark.parametrize("accounts", [1, 2, 5, 40])
def test_a_partition_with_little_traffic_is_behind_by_a_few_requests(
    accounts: int, seconds: int
) -> None:
    partition = AccountPartition(config(), 0)
    events = traffic(200, accounts, seconds * 1_000)
    for event in events[:-100]:
        feed(partition, [event])
    for event in events[-100:]:
        feed(partition, [event])
        behind = event["event_time"] - partition.watermark - 10 * MINUTE
        assert behind <= 16 * max(30_000, seconds * 1_000)


@pytest.mark.parametrize("rows", [17, 200, 900])
def test_what_one_client_kept_while_offline_moves_no_time_though_its_clock_is_wrong(
    rows: int,
) -> None:
    events = traffic(600, 40)
    now = events[-1]["event_time"]
    flush = [request(5_000 + n, now + DAY + n * MINUTE, "a-7") for n in range(rows)]
    partition = taken([*events, *flush, *traffic(600, 40, first=now, number=6_000)])
    assert partition.counters[st.LATE] == 0


def test_one_of_many_who_is_left_is_believed_in_the_end() -> None:
    events = traffic(600, 40)
    after = traffic(3_000, 1, 60_000, events[-1]["event_time"], 1_000)
    partition = taken(events + after)
    assert partition.counters[st.LATE] == aside(partition) == 0
    assert partition.watermark > after[-1]["event_time"] - 30 * MINUTE
