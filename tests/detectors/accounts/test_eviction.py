"""Full tables: an adversary who sprays fresh values is bounded, counted, and displaces itself first."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.accounts.event_time import BEGINNING
from detectors.accounts.partition import AccountPartition
from detectors.accounts.state import AccountState
from detectors.accounts.tick_closer import ClosedTick
from detectors.config import Loaded
from detectors.decode.decoder import Decoder
from detectors.engine import Engine
from detectors.networks import state as ks
from detectors.networks.state import NetworkState
from tests.stage_stories import (
    DAY,
    HOUR,
    KEY,
    MINUTE,
    START,
    config,
    decoded,
    feed,
    request,
    row_of,
)
from worlds.load import spray

TINY = {
    "accounts": 1_000,
    "minute_rows": 1_000,
    "dedupe_entries": 1 << 10,
    "sightings": 1 << 10,
    "single_keys": 1_000,
    "shared_keys": 100,
    "templates": 1 << 10,
    "member_cap": 16,
}
BUFFERS = {"edges", "names", "newcomers", "prompts"}


def _sizes(state: AccountState | NetworkState) -> dict[str, int]:
    return {n: getattr(state, n).nbytes for n in state._fields if n not in BUFFERS}


def _with_a_past(partition: AccountPartition, count: int) -> list[str]:
    """Customers with three active days, the last of them `START`'s eve."""
    names = [f"customer-{n}" for n in range(count)]
    for day in (3, 2, 1):
        for at, name in enumerate(names):
            when = START - day * DAY + at * MINUTE
            feed(partition, [request(day * 10_000 + at, when, name)])
    partition.raise_mark(START)
    return names


@pytest.mark.parametrize("per_second", [2.0, 100_000.0])
@pytest.mark.parametrize("partitions", [1, 2])
def test_a_spray_of_fresh_values_grows_no_table(per_second: float, partitions: int) -> None:
    loaded = Loaded(config(partitions=partitions, **TINY), {}, "sha256:0")
    engine = Engine(loaded, KEY)
    before = [_sizes(s.state) for s in (*engine.accounts, *engine.networks)]
    for records in spray(20_000, START, per_second):
        for first in range(0, len(records.values), 5_000):
            engine.feed(engine.decode(records.values[first : first + 5_000]))
    engine.drain()
    assert [_sizes(s.state) for s in (*engine.accounts, *engine.networks)] == before
    counters = sum(a.counters for a in engine.accounts)
    refused = counters[[st.ACCOUNT_OVERFLOW, st.MINUTE_OVERFLOW]].sum()
    assert counters[st.ACCEPTED] + refused == 20_000
    assert refused + counters[st.ACCOUNTS_EVICTED] > 10_000
    for account in engine.accounts:
        most = account.state.minutes.size * st.PENDING_PER_MINUTE_ROW
        assert account.state.edges.size <= max(most, 4096)
        assert account.state.prompts.size <= max(most, 8192)


def test_a_spray_displaces_itself_before_customers_with_a_past() -> None:
    partition = AccountPartition(config(**TINY), 0)
    names = _with_a_past(partition, 600)
    fresh = [request(n, START + n * 2_000, f"fresh-{n}") for n in range(20_000)]
    feed(partition, fresh, batch=999)
    accounts = partition.state.accounts
    assert partition.counters[st.ACCOUNTS_EVICTED] > 10_000
    assert int(((accounts["used"] != 0) & (accounts["days"] > 1)).sum()) == len(names)
    assert row_of(partition, "fresh-19999")["first"] == START + 19_999 * 2_000


def test_customers_with_a_past_give_way_only_until_newcomers_hold_a_quarter() -> None:
    partition = AccountPartition(config(**TINY), 0)
    _with_a_past(partition, 1_000)
    feed(partition, [request(n, START + n, f"fresh-{n}") for n in range(5_000)])
    accounts = partition.state.accounts
    past = int(((accounts["used"] != 0) & (accounts["days"] > 1)).sum())
    assert 750 - 1_000 // 16 <= past <= 760
    assert partition.counters[st.ACCOUNT_OVERFLOW] > 4_000


def test_within_each_class_the_longest_silent_go_first() -> None:
    partition = AccountPartition(config(**TINY), 0)
    events = [request(n, START + n * 2_000, f"fresh-{n}") for n in range(3_000)]
    feed(partition, events)
    partition.raise_mark(START + 3 * HOUR)
    kept = {n for n in range(3_000) if _known(partition, f"fresh-{n}")}
    assert kept == set(range(min(kept), 3_000))
    assert len(kept) >= 900


def _known(partition: AccountPartition, account: str) -> bool:
    (event,) = decoded([request(0, START, account)]).events
    accounts = partition.state.accounts
    return bool(((accounts["fp"] == event["account"]) & (accounts["used"] != 0)).any())


def test_an_account_that_was_given_up_starts_anew_under_its_own_name() -> None:
    partition = AccountPartition(config(**TINY), 0)
    feed(partition, [request(n, START + n * 2_000, f"fresh-{n}") for n in range(3_000)])
    partition.raise_mark(START + 2 * HOUR)
    assert not _known(partition, "fresh-0")
    feed(partition, [request(9_999, START + 2 * HOUR, "fresh-0", org_id="o-1")])
    (closed,) = [t for t in partition.raise_mark(START + 2 * HOUR + MINUTE) if t.names]
    assert closed.names is not None
    assert bytes(closed.names.ids).decode() == "fresh-0"
    assert bytes(closed.names.org_ids).decode() == "o-1"
    row = row_of(partition, "fresh-0")
    assert (row["days"], row["first"]) == (0, START + 2 * HOUR)


def test_every_name_told_under_a_spray_is_of_the_account_it_is_told_for() -> None:
    partition = AccountPartition(config(**TINY), 0)
    decoder = Decoder(KEY)
    events = [
        request(n, START + n * 1_500 - (n % 3 == 0) * DAY, f"fresh-{n}", org_id=f"o-{n}")
        for n in range(6_000)
    ]
    checked = 0
    for closed in feed(partition, events, batch=500) + partition.drain():
        if closed.names is None:
            continue
        at = org_at = 0
        rows = zip(
            closed.names.accounts, closed.names.id_lengths, closed.names.org_lengths, strict=True
        )
        for account, length, org_length in rows:
            name = bytes(closed.names.ids[at : at + length]).decode()
            org = bytes(closed.names.org_ids[org_at : org_at + org_length]).decode()
            at, org_at = at + length, org_at + org_length
            assert org == "o-" + name.removeprefix("fresh-")
            (event,) = decoder.decode([_bytes(name)]).events
            assert account == event["account"]
            checked += 1
    assert checked > 2_000


def _bytes(account: str) -> bytes:
    return (
        b'{"event_id":"e","event_time":1777026031000,"account_id":"%b","model":"m","input_tokens":1,'
        b'"output_tokens":1}' % account.encode()
    )


def test_full_minute_rows_are_counted_and_leave_no_trace_of_the_event() -> None:
    partition = AccountPartition(config(**{**TINY, "accounts": 2_000}), 0)
    feed(partition, [request(n, START, f"a-{n}") for n in range(1_500)])
    assert partition.counters[st.MINUTE_OVERFLOW] == 500
    assert partition.counters[st.ACCEPTED] == 1_000
    assert int(partition.state.accounts["used"].sum()) == 1_000
    partition.raise_mark(START + 20 * MINUTE)
    feed(partition, [request(n, START + 30 * MINUTE, f"a-{n}") for n in range(1_000, 1_500)])
    assert partition.counters[st.MINUTE_OVERFLOW] == 500
    assert partition.counters[st.ACCEPTED] == 1_500


def test_edges_beyond_their_budget_are_counted_and_told_later() -> None:
    partition = AccountPartition(config(**{**TINY, "sightings": 1 << 16}), 0)
    late = [
        request(n, START - DAY, "hub", payment_fp=f"k1:{n}", device_fp=f"k1:{n}")
        for n in range(1, 6_000)
    ]
    feed(partition, [request(-n, START, "first") for n in range(BEGINNING)])
    feed(partition, late)
    assert partition.state.edges.size == 4096
    told = _told(partition.raise_mark(START + HOUR))
    # A quarter of the budget as they come, of the rest one in 256: the others have the room.
    assert 1_000 <= len(told) < 1_200
    assert partition.counters[st.EDGE_BY_LOT] == 2 * 5_999 - len(told)
    feed(partition, late[-100:])
    again = _told(partition.raise_mark(START + 2 * HOUR))
    assert not told & again
    assert 180 < len(again) <= 200  # but those which the lot had told
    feed(partition, late[-100:])
    assert not _told(partition.raise_mark(START + 3 * HOUR))


def _told(closed: list[ClosedTick]) -> set[tuple[int, int]]:
    return {
        (int(edge["kind"]), int(edge["key"]))
        for tick in closed
        for hand_over in tick.hand_overs.values()
        for edge in hand_over.edges
    }


def test_accounts_that_never_keep_a_value_fill_the_sightings_and_are_counted() -> None:
    partition = AccountPartition(config(**{**TINY, "minute_rows": 20_000}), 0)
    events = (request(n, START + n, f"a-{n % 600}", payment_fp=f"k1:{n}") for n in range(10_000))
    feed(partition, list(events))
    assert partition.counters[st.SIGHTING_OVERFLOW] > 5_000
    assert partition.counters[st.ACCEPTED] == 10_000


def test_prompts_beyond_their_budget_are_counted() -> None:
    partition = AccountPartition(config(**TINY), 0)
    feed(partition, [request(n, START, template_fp=f"{n:016x}") for n in range(10_000)])
    closed = partition.raise_mark(START + MINUTE)
    told = sum(h.templates.size for t in closed for h in t.hand_overs.values()) // 4
    # A quarter of the budget as they come, then the n-th of a minute with a chance of 64 in n.
    assert 1_000 <= told < 1_000 + 64 * 4
    assert partition.counters[st.PROMPT_BY_LOT] == 10_000 - told


def test_keys_give_up_the_longest_unused_and_hubs_free_their_members() -> None:
    loaded = Loaded(config(partitions=1, **TINY), {}, "sha256:0")
    engine = Engine(loaded, KEY)
    events = []
    for n in range(4_000):  # pairs of accounts on a card, and one prefix for all
        when = START + n * 1_000
        events.append(
            request(n, when, f"a-{n % 700}", payment_fp=f"k1:{n // 2}", ip_prefix_fp="k1:x")
        )
    engine.feed(decoded(events))
    engine.drain()
    (keys,) = engine.networks
    assert keys.state.counters[ks.SHARED_EVICTED] > 500
    assert keys.state.counters[ks.HUBS] >= 1
    used = int((keys.state.shared["used"] == 1).sum())
    scalars = keys.state.scalars
    assert used == scalars[ks.SHARED] - scalars[ks.SHARED_FREE]
    held = int(keys.state.shared["members"][keys.state.shared["used"] == 1].sum())
    assert held == scalars[ks.MEMBERS] - scalars[ks.MEMBER_FREE]
    assert np.array_equal(keys.state.by_kind.sum(), used)
