"""When an account signed up: what is called so is believed unless what was seen speaks against it."""

from __future__ import annotations

import pytest

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.accounts.rows import DISTRUSTED
from detectors.interface.key_kinds import PAYMENT
from tests.stage_stories import DAY, HOUR, MINUTE, START, config, feed, request, row_of


def days_of(signed_up: int | None, days: int = 5, per_day: int = 2) -> AccountPartition:
    """An account active on whole days, with its sign-up (None: its session's start, each time)."""
    partition = AccountPartition(config(), 0)
    for n in range(days * per_day):
        at = START + n * DAY // per_day
        created = at - MINUTE if signed_up is None else signed_up
        partition.raise_mark(at)
        feed(partition, [request(n, at, account_created_at=created)])
    return partition


def test_an_account_does_not_become_younger_than_the_days_on_which_it_was_active() -> None:
    old = START - 900 * DAY
    partition = days_of(old)
    again = request(99, START + 5 * DAY, account_created_at=START + 5 * DAY - MINUTE)
    feed(partition, [again | {"payment_fp": "k1:new"}])
    assert row_of(partition, "a")["created"] == old
    assert partition.counters[st.TOO_YOUNG] == 1
    edges = [h.edges for t in partition.drain() for h in t.hand_overs.values()]
    (card,) = [e for some in edges for e in some if e["kind"] == PAYMENT]
    assert card["young"] == 0


def test_the_start_of_each_session_is_taken_for_a_sign_up_until_it_moves() -> None:
    partition = days_of(None)
    assert partition.counters[st.TOO_YOUNG] == partition.counters[st.ACCEPTED] - 1 > 5
    assert row_of(partition, "a")["created"] == DISTRUSTED
    feed(partition, [request(99, START + 9 * DAY, account_created_at=START + DAY)])
    assert row_of(partition, "a")["created"] == DISTRUSTED


def test_of_two_sign_ups_the_earlier_is_one_where_it_is_long_ago() -> None:
    for first, then in ((START - HOUR, START - 900 * DAY), (START - 900 * DAY, START - HOUR)):
        partition = AccountPartition(config(), 0)
        for n, created in enumerate((first, then)):
            feed(partition, [request(n, START + n, account_created_at=created)])
        assert row_of(partition, "a")["created"] == START - 900 * DAY


@pytest.mark.parametrize("before", [MINUTE, DAY - MINUTE, 900 * DAY])
def test_a_sign_up_before_all_that_was_seen_is_known_however_long_it_is_watched(
    before: int,
) -> None:
    partition = days_of(START - before, days=12)
    assert partition.counters[st.TOO_YOUNG] == 0
    assert row_of(partition, "a")["created"] == START - before


def test_an_event_that_comes_years_late_makes_nobody_too_old_for_a_sign_up() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START), request(1, START - 900 * DAY)])
    feed(partition, [request(2, START + HOUR, account_created_at=START - HOUR)])
    assert row_of(partition, "a")["created"] == START - HOUR
    assert partition.counters[st.TOO_YOUNG] == 0


@pytest.mark.parametrize("older", [0, 8])
def test_where_nobody_signed_up_before_today_what_is_called_a_sign_up_is_none(older: int) -> None:
    partition = AccountPartition(config(), 0)
    signed_up = [START - (400 * DAY if n < older else HOUR) for n in range(60)]
    events = [
        request(n, START + n * 1_000, f"a-{n % 60}", account_created_at=signed_up[n % 60])
        | {"payment_fp": f"k1:{n % 60}", "asn": 64_500, "signup_method": "email"}
        for n in range(1_200)
    ]
    closed = feed(partition, events) + partition.drain()
    edges = [e for tick in closed for h in tick.hand_overs.values() for e in h.edges]
    later = [e for e in edges if e["kind"] == PAYMENT and e["time"] > START + 30_000]
    assert {int(e["young"]) for e in later} == {int(older > 0)}
    told = [int(at) for tick in closed if tick.names for at in tick.names.created]
    assert set(told) == (set(signed_up) if older else {-1})
