"""One account, or many, that would take all minute rows: it costs them, and nothing is lost of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.accounts.minutes import most_minutes
from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Loaded
from detectors.engine import Engine
from detectors.exchange.hand_over import HandOver
from detectors.interface.key_kinds import KINDS
from tests.stage_stories import (
    DAY,
    HOUR,
    KEY,
    MINUTE,
    START,
    config,
    decoded,
    feed,
    place_of,
    request,
    said,
)

SMALL = {"minute_rows": 1_000, "accounts": 2_000}


CODES = {kind.field: kind.code for kind in KINDS}


def partition_of(**budgets: int) -> AccountPartition:
    return AccountPartition(config(**{**SMALL, **budgets}), 0)


def sprayed(count: int, time: int, account: str = "loud", first: int = 0) -> list[dict[str, Any]]:
    """Requests of a minute, each with a device and a prefix of its own and all on one card."""
    return [
        request(
            first + n, time + n * MINUTE // count, account,
            payment_fp=f"k1:card-{account}", device_fp=f"k1:d-{first + n}",
            ip_prefix_fp=f"k1:p-{first + n}",
        )
        for n in range(count)
    ]  # fmt: skip


def customers(count: int, time: int, first: int = 500_000) -> list[dict[str, Any]]:
    return [
        request(
            first + n, time + n, f"customer-{n}", payment_fp=f"k1:c-{n}", device_fp=f"k1:cd-{n}"
        )
        for n in range(count)
    ]


def with_a_past(partition: AccountPartition, count: int) -> None:
    """Customers with two whole active days behind them."""
    for day in (4, 3, 2):
        spread = customers(count, START - day * DAY, first=900_000 - day * 10_000)
        feed(
            partition,
            [{**e, "event_time": e["event_time"] + 30_000 * n} for n, e in enumerate(spread)],
        )
    partition.raise_mark(START)
    assert (partition.state.accounts["days"][:count] > 1).all()


def in_turn(*lists: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted((e for one in lists for e in one), key=lambda e: int(e["event_time"]))


def hour_sums(partition: AccountPartition, account: str) -> tuple[int, int]:
    """Requests and tokens in of the open hour, all its minutes closed."""
    row = partition.state.accounts[place_of(partition, account)]["hour_row"]
    hour = partition.state.hours[row]
    return int(hour["requests"]), int(hour["input"])


def sums(closed: Sequence[ClosedTick], field: str) -> dict[int, int]:
    """Requests per value of a kind, over closed ticks."""
    found: dict[int, int] = {}
    for hand_over in _sent(closed):
        for row in hand_over.sums[hand_over.sums["kind"] == CODES[field]]:
            found[int(row["key"])] = found.get(int(row["key"]), 0) + int(row["requests"])
        for row in hand_over.ones[hand_over.ones["kind"] == CODES[field]]:
            found[int(row["key"])] = found.get(int(row["key"]), 0) + 1
    return found


def told(closed: Sequence[ClosedTick], field: str) -> list[int]:
    """The values of a kind that were told as first sightings."""
    return [
        int(key)
        for hand_over in _sent(closed)
        for key in hand_over.edges["key"][hand_over.edges["kind"] == CODES[field]]
    ]


def _sent(closed: Sequence[ClosedTick]) -> list[HandOver]:
    return [hand_over for tick in closed for hand_over in tick.hand_overs.values()]


def key_of(field: str, value: str) -> int:
    (event,) = decoded([request(0, START, **{field: value})]).events
    names = {"payment_fp": "payment", "device_fp": "device", "ip_prefix_fp": "prefix"}
    return int(event[names[field]])


def test_an_account_that_changes_its_values_with_each_request_takes_no_row_of_others() -> None:
    partition = partition_of()
    share = most_minutes(partition.state)
    closed = feed(partition, in_turn(sprayed(5_000, START), customers(300, START)), batch=700)
    assert partition.counters[st.MINUTE_OVERFLOW] == 0
    assert partition.counters[st.ACCEPTED] == 5_300
    assert partition.counters[st.MINUTE_COARSE] == 5_000 - share
    loud = partition.state.accounts[place_of(partition, "loud")]
    assert loud["open_minutes"] == 2 * share + 1
    closed += partition.raise_mark(START + 2 * MINUTE)
    assert hour_sums(partition, "loud") == (5_000, 50_000)
    assert all(hour_sums(partition, f"customer-{n}") == (1, 10) for n in range(300))
    # The card is told apart for longer than what is cheap to change.
    cards = sums(closed, "payment_fp")
    assert cards[key_of("payment_fp", "k1:card-loud")] == 2 * share
    assert cards[key_of("payment_fp", "k1:c-7")] == 1
    assert len(sums(closed, "ip_prefix_fp")) == share


def test_the_flood_of_an_account_on_one_set_of_values_is_counted_for_all_of_them() -> None:
    partition = partition_of()
    events = [request(n, START + n, payment_fp="k1:x", ip_prefix_fp="k1:y") for n in range(5_000)]
    feed(partition, events)
    assert partition.counters[st.MINUTE_COARSE] == 0
    closed = partition.raise_mark(START + 2 * MINUTE)
    assert sums(closed, "payment_fp") == {key_of("payment_fp", "k1:x"): 5_000}
    assert sums(closed, "ip_prefix_fp") == {key_of("ip_prefix_fp", "k1:y"): 5_000}


def test_many_accounts_that_spray_fold_into_a_row_each_and_nothing_is_refused() -> None:
    partition = partition_of()
    with_a_past(partition, 100)
    floods = [sprayed(20, START + MINUTE, f"fresh-{n}", first=1_000 * n) for n in range(300)]
    feed(partition, in_turn(*floods, customers(100, START + MINUTE)))
    assert partition.counters[st.MINUTE_OVERFLOW] == 0
    assert partition.counters[st.MINUTES_EVICTED] == 0
    _is_whole(partition)
    closed = partition.raise_mark(START + 3 * MINUTE)
    assert all(hour_sums(partition, f"fresh-{n}") == (20, 200) for n in range(300))
    assert all(hour_sums(partition, f"customer-{n}") == (1, 10) for n in range(100))
    devices = sums(closed, "device_fp")
    assert [devices.get(key_of("device_fp", f"k1:cd-{n}")) for n in range(100)] == [1] * 100


def test_customers_with_a_past_take_the_rows_of_the_newest_newcomers() -> None:
    partition = partition_of()
    with_a_past(partition, 300)
    fresh = [request(n, START + MINUTE + n, f"fresh-{n}") for n in range(1_500)]
    feed(partition, fresh)
    assert partition.counters[st.MINUTE_OVERFLOW] == 500  # the last to come
    feed(partition, customers(300, START + MINUTE))
    assert partition.counters[st.MINUTE_OVERFLOW] == 500
    evicted = int(partition.counters[st.MINUTES_EVICTED])
    assert 300 <= evicted <= 300 + 1_000 // 16
    _is_whole(partition)
    partition.raise_mark(START + 3 * MINUTE)
    assert all(hour_sums(partition, f"customer-{n}") == (1, 10) for n in range(300))
    counted = [n for n in range(1_000) if _counted(partition, f"fresh-{n}")]
    assert counted == list(range(1_000 - evicted))


def _counted(partition: AccountPartition, account: str) -> bool:
    return bool(partition.state.accounts[place_of(partition, account)]["hour_row"] >= 0)


def _is_whole(partition: AccountPartition) -> None:
    """Rows, chains and counts of the open minutes agree."""
    state, scalars = partition.state, partition.state.scalars
    listed: list[int] = []
    for first in state.ticks.tolist():
        at = first
        while at >= 0:
            listed.append(at)
            at = int(state.minutes["sibling"][at])
    assert len(set(listed)) == len(listed) == scalars[st.MINUTE_TOP] - scalars[st.MINUTE_FREE]
    chained: list[int] = []
    for first in state.minute_heads.tolist():
        at = first
        while at >= 0:
            chained.append(at)
            at = int(state.minutes["chain"][at])
    assert sorted(chained) == sorted(listed)
    held = np.bincount(state.minutes["account"][listed], minlength=state.accounts.size)
    assert np.array_equal(held, state.accounts["open_minutes"])


def test_a_table_that_only_customers_fill_refuses_their_volume_and_still_tells_their_values() -> (
    None
):
    partition = partition_of()
    with_a_past(partition, 1_200)
    feed(
        partition,
        [request(6_000_000 + n, START + MINUTE + n, f"customer-{n}") for n in range(1_200)],
    )
    assert partition.counters[st.MINUTE_OVERFLOW] == 200
    again = [request(7_000_000 + n, START + MINUTE + n, f"customer-{n}", device_fp=f"k1:new-{n}")
             for n in range(1_199, 1_000, -1)]  # fmt: skip
    feed(partition, again)
    assert partition.counters[st.MINUTE_OVERFLOW] == 200 + 199
    closed = partition.raise_mark(START + 3 * MINUTE)
    assert set(told(closed, "device_fp")) >= {
        key_of("device_fp", f"k1:new-{n}") for n in range(1_001, 1_200)
    }


def test_prompts_of_a_flood_leave_room_for_those_of_others() -> None:
    partition = partition_of()
    flood = [request(n, START, "loud", template_fp=f"{n + 1:016x}") for n in range(50_000)]
    other = [request(90_000 + n, START, f"a-{n}", template_fp="f" * 16) for n in range(50)]
    feed(partition, [*flood, *other])
    closed = partition.raise_mark(START + 2 * MINUTE)
    templates = [int(t) for h in _sent(closed) for t in h.templates["template"]]
    assert templates.count(int("f" * 16, 16)) == 4 * 50
    assert len(templates) < 4 * 2_000


@pytest.mark.parametrize("batch", [1, 97, 1_000])
def test_a_full_table_says_the_same_in_any_batches_and_after_a_restart_anywhere(batch: int) -> None:
    floods = [sprayed(15, START, f"fresh-{n}", first=1_000 * n) for n in range(200)]
    events = in_turn(*floods, customers(900, START + 500))
    once = partition_of()
    expected = said(feed(once, events) + once.raise_mark(START + HOUR))
    partition, closed = partition_of(), []
    for first in range(0, len(events), 1_000):
        closed += feed(partition, events[first : first + 1_000], batch=batch)
        successor = partition_of()
        kept, pages = successor.restoration(), partition.checkpoint()
        kept.resize({name: rows.nbytes for name, rows in pages.tables.items()})
        for name, rows in pages.tables.items():
            raw = np.ascontiguousarray(rows).view(np.uint8)
            _fill(kept, name, raw)
        successor.restore(kept, pages.rest)
        partition = successor
    assert said(closed + partition.raise_mark(START + HOUR)) == expected
    assert partition.counters.tolist() == once.counters.tolist()


def _fill(kept: Any, name: str, raw: np.ndarray) -> None:
    kept.tables()[name][:] = raw


def test_the_loud_account_gets_its_volume_alert_all_the_same() -> None:
    engine = Engine(Loaded(config(**SMALL), {}, "sha256:0"), KEY)
    events = [
        request(
            day * 1_000 + n,
            START + day * DAY + n * 90_000,
            f"a-{n % 40}",
            payment_fp=f"k1:c-{n % 40}",
        )
        for day in range(10)
        for n in range(960)
    ]
    flood = sprayed(3_000, START + 9 * DAY + 12 * HOUR, "a-7", first=1_000_000)
    alerts = []
    for first in range(0, len(events := in_turn(events, flood)), 4_000):
        alerts += engine.feed(decoded(events[first : first + 4_000]))
    alerts += engine.drain()
    (account,) = engine.accounts
    assert account.counters[st.MINUTE_COARSE] > 2_900
    assert account.counters[st.MINUTE_OVERFLOW] == 0
    told = [a for a in alerts if a.kind == "account" and a.state == "open"]
    assert [(a.account_id, a.families) for a in told] == [("a-7", ("volume",))]
    assert told[0].evidence[0].observed == pytest.approx(3_024, abs=2)
