"""Which event counts: one that comes twice does once, and an id used again hides no other."""

from __future__ import annotations

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from tests.stage_stories import DAY, HOUR, START, config, feed, request


def test_a_redelivered_event_counts_once() -> None:
    partition = AccountPartition(config(), 0)
    events = [request(n, START + n * 1000) for n in range(100)]
    feed(partition, events)
    feed(partition, events[::-1], batch=7)
    assert partition.counters[st.DUPLICATE] == 100
    assert partition.counters[st.ACCEPTED] == 100


def test_two_accounts_may_have_the_same_event_id() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START, "a"), request(0, START, "b")])
    assert partition.counters[st.DUPLICATE] == 0
    assert partition.counters[st.ACCEPTED] == 2


def test_an_id_used_for_all_requests_hides_none_of_them() -> None:
    same, own = AccountPartition(config(), 0), AccountPartition(config(), 0)
    for partition, ids in ((same, 1), (own, 3_000)):
        events = [request(n % ids, START + n * 100, output_tokens=n % 7) for n in range(3_000)]
        feed(partition, events)
        assert partition.counters[st.ACCEPTED] == 3_000
        assert partition.counters[st.DUPLICATE] == 0
        assert partition.state.minutes["requests"].sum() == 3_000
    assert same.counters[st.REUSED] == 2_999
    assert own.counters[st.REUSED] == 0
    assert (same.state.accounts == own.state.accounts).all()


def test_ids_used_in_turn_hide_nothing_and_a_redelivery_of_any_counts_once() -> None:
    partition = AccountPartition(config(), 0)
    events = [request(n % 50, START + n * 100) for n in range(2_000)]
    feed(partition, events)
    again = [event | {"ingest_time": START + DAY, "lang": "de"} for event in events]
    feed(partition, [dict(reversed(event.items())) for event in again], batch=7)
    assert partition.counters[st.ACCEPTED] == 2_000
    assert partition.counters[st.REUSED] == 1_950
    assert partition.counters[st.DUPLICATE] == 2_000


def test_a_model_is_drawn_from_all_requests_also_where_all_have_one_id() -> None:
    drawn = set()
    for hour in range(24):
        partition = AccountPartition(config(), 0)
        at = START + hour * HOUR
        feed(partition, [request(0, at + n, model=f"m-{n % 2}") for n in range(40)])
        drawn.add(int(partition.state.minutes[partition.state.minutes["requests"] > 0]["model"][0]))
    assert len(drawn) == 2


def test_of_events_alike_in_id_and_content_one_counts() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START)] * 3 + [request(0, START, status=429)])
    assert partition.counters[st.ACCEPTED] == 2
    assert partition.counters[st.DUPLICATE] == 2
    assert partition.counters[st.REUSED] == 1


def test_an_id_that_comes_back_after_the_horizon_is_a_new_one() -> None:
    partition = AccountPartition(config(), 0)
    for hour in range(3):
        partition.raise_mark(START + hour * HOUR)
        feed(partition, [request(0, START + hour * HOUR)])
    assert partition.counters[st.ACCEPTED] == 3
    assert partition.counters[st.REUSED] == 0


def test_a_full_dedupe_table_is_counted_and_late_events_take_no_room_in_it() -> None:
    partition = AccountPartition(config(dedupe_entries=1024), 0)
    feed(partition, [request(n, START) for n in range(1000)])
    before = int(partition.counters[st.DEDUPE_OVERFLOW])
    feed(partition, [request(n, START - DAY) for n in range(2000, 6000)])
    assert partition.counters[st.DEDUPE_OVERFLOW] == before
    feed(partition, [request(n, START) for n in range(10_000, 14_000)])
    assert partition.counters[st.DEDUPE_OVERFLOW] > 2000
    assert partition.counters[st.ACCEPTED] == 9_000
