"""What an hour of an account partition tells of its accounts: how they work, and with which values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.exchange.activity import CLIENT, COUNTRY, ActivityBatch
from detectors.interface.key_kinds import PAYMENT, PREFIX, TEMPLATE
from tests.stage_stories import HOUR, MINUTE, START, config, feed, request

SKELETON = 0x0F0F_3C3C_5A5A_9696


def told(
    partition: AccountPartition, requests: Sequence[dict[str, Any]], hours: int = 1
) -> list[ActivityBatch]:
    """The activity that a partition tells of some hours, all over when the last request has come."""
    closed = [*feed(partition, requests), *partition.raise_mark(START + hours * HOUR)]
    return [tick.activity for tick in closed if tick.activity is not None]


def of_kind(batch: ActivityBatch, kind: int) -> np.ndarray:
    """The holdings of a kind."""
    return batch.holdings[batch.holdings["kind"] == kind]


def test_an_hour_tells_what_each_account_did_in_it() -> None:
    partition = AccountPartition(config(), 0)
    requests = [
        request(
            i, START + i * MINUTE, "a", turn_index=i % 2, stream=True, temperature=0, status=500,
            cot_score=0.25, ip_class="vpn", access_path="web", tool_count=2, capability="math",
        )
        for i in range(4)
    ]  # fmt: skip
    (batch,) = told(partition, requests)
    (row,) = batch.accounts
    assert (row["requests"], row["minutes"], row["input"], row["output"]) == (4, 4, 40, 80)
    assert (row["turns"], row["streams"], row["cold"], row["errors"]) == (2, 4, 4, 4)
    assert (row["hosted"], row["web"], row["tools"]) == (4, 4, 4)
    assert (row["scored"], row["cot"], row["grading"]) == (4, 100, 0)
    assert row["capability"].sum() == 4


def test_what_it_used_is_counted_by_value() -> None:
    partition = AccountPartition(config(), 0)
    cards = ["k1", "k1", "k2"]
    requests = [
        request(
            i, START + i * MINUTE, "a", payment_fp=card, ip_prefix_fp="p", client_fp="c",
            geo_country="DE",
        )
        for i, card in enumerate(cards)
    ]  # fmt: skip
    (batch,) = told(partition, requests)
    assert sorted(of_kind(batch, PAYMENT)["requests"].tolist()) == [1, 2]
    assert of_kind(batch, PREFIX)["requests"].tolist() == [3]
    assert of_kind(batch, CLIENT)["requests"].tolist() == [3]
    assert of_kind(batch, COUNTRY)["requests"].tolist() == [3]


def test_the_next_hour_begins_with_nothing() -> None:
    partition = AccountPartition(config(), 0)
    requests = [request(1, START, "a", payment_fp="k"), request(2, START + HOUR, "a")]
    first, second = told(partition, requests, hours=2)
    assert of_kind(first, PAYMENT).size == 1
    assert of_kind(second, PAYMENT).size == 0
    assert second.accounts["requests"].tolist() == [1]


def test_reworded_prompts_are_one_wording() -> None:
    partition = AccountPartition(config(), 0)
    random = np.random.default_rng(3)
    requests = []
    for i in range(40):
        flips = sum(1 << int(bit) for bit in random.choice(64, 9, replace=False))
        template = f"{SKELETON ^ flips:016x}"
        requests.append(request(i, START + i * MINUTE, "a", template_fp=template))
    (batch,) = told(partition, requests)
    words = of_kind(batch, TEMPLATE)
    best = words[np.argmax(words["requests"])]
    assert (int(best["key"]) ^ SKELETON).bit_count() <= 4  # single prompts lie 9 away, pairs 16
    assert best["requests"] >= 30


def test_free_text_has_no_wording() -> None:
    partition = AccountPartition(config(), 0)
    random = np.random.default_rng(4)
    requests = [
        request(i, START + i * MINUTE, "a", template_fp=f"{int(word):016x}")
        for i, word in enumerate(random.integers(0, 1 << 63, 40, dtype=np.uint64))
    ]
    (batch,) = told(partition, requests)
    assert of_kind(batch, TEMPLATE)["requests"].sum() <= 8
    assert batch.accounts["unworded"][0] >= 30


def test_who_is_erased_leaves_nothing_in_the_hour() -> None:
    partition = AccountPartition(config(), 0)
    requests = [
        request(i, START + i * MINUTE, who, payment_fp=who, template_fp=f"{SKELETON:016x}")
        for i, who in enumerate(("a", "b", "a", "b"))
    ]
    requests.append(request(8, START + 20 * MINUTE, "c"))
    feed(partition, requests)
    gone = partition.state.accounts["fp"][0]
    partition.erase(int(gone))
    (batch,) = told(partition, [request(9, START + 21 * MINUTE, "c")])
    assert gone not in batch.accounts["account"]
    assert gone not in batch.holdings["account"]
    assert of_kind(batch, PAYMENT).size == 1


def test_a_state_that_was_kept_goes_on_with_the_same_hour() -> None:
    requests = [
        request(
            i, START + i * MINUTE, f"a{i % 3}", payment_fp="k", template_fp=f"{SKELETON:016x}"
        )
        for i in range(30)
    ]  # fmt: skip
    whole, cut = AccountPartition(config(), 0), AccountPartition(config(), 0)
    (expected,) = told(whole, requests)
    feed(cut, requests[:17])
    kept = cut.checkpoint()
    after = AccountPartition(config(), 0)
    filling = after.restoration()
    filling.resize({name: rows.nbytes for name, rows in kept.tables.items()})
    for name, raw in filling.tables().items():
        raw[:] = np.ascontiguousarray(kept.tables[name]).view(np.uint8)
    after.restore(filling, kept.rest)
    (found,) = told(after, requests[17:])
    assert found.accounts.tobytes() == expected.accounts.tobytes()
    assert found.holdings.tobytes() == expected.holdings.tobytes()


def test_what_was_sent_once_long_ago_gives_its_room_back() -> None:
    partition = AccountPartition(config(), 0)
    random = np.random.default_rng(5)
    once = [
        request(i, START + i * MINUTE, "a", template_fp=f"{int(word):016x}")
        for i, word in enumerate(random.integers(0, 1 << 63, 6, dtype=np.uint64))
    ]
    often = [
        request(20 + i, START + i * MINUTE, "b", template_fp=f"{SKELETON:016x}") for i in range(20)
    ]
    told(partition, sorted(once + often, key=lambda r: r["event_time"]))
    state = partition.state
    assert state.scalars[st.WORDING_TOP] - state.scalars[st.WORDING_FREE] == 7
    told(partition, [request(99, START + 90 * HOUR, "c")], hours=97)
    state = partition.state
    assert state.scalars[st.WORDING_TOP] - state.scalars[st.WORDING_FREE] == 1
