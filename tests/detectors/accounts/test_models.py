"""Models that accounts ask: who is known, and a day of all accounts on each."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as hs

from detectors.accounts.groups import MOST_GROUPS, group_sums
from detectors.accounts.models import close_models
from detectors.accounts.partition import AccountPartition
from detectors.accounts.tick_closer import ClosedTick
from detectors.exchange.findings import GroupSum
from detectors.interface.columns import MODELS_KNOWN
from tests.stage_stories import DAY, HOUR, MINUTE, START, config, feed, request


def sums(closed: list[ClosedTick]) -> list[GroupSum]:
    return [g for tick in closed if tick.findings for g in tick.findings.groups]


def known(partition: AccountPartition) -> set[str]:
    models = partition.state.models[: int(np.count_nonzero(partition.state.models["fp"]))]
    return {bytes(m["name"][: m["name_len"]]).decode() for m in models}


def test_a_day_of_a_model_adds_up_all_its_accounts_and_says_its_name() -> None:
    partition = AccountPartition(config(), 0)
    more = {"capability": "coding", "template_fp": "00000000000000a3"}
    events = [
        request(
            n, START + n * MINUTE, f"a-{n % 7}", model=("large-5", "small-2")[n % 3 == 0], **more
        )
        for n in range(300)
    ]
    (large, small) = sorted(sums(feed(partition, events) + partition.drain()), key=lambda s: s.name)
    assert (large.name, small.name) == ("large-5", "small-2")
    assert (large.requests, small.requests) == (200, 100)
    assert (large.input, large.output) == (2_000, 4_000)
    assert sum(large.capability) == 200
    assert [(i, n) for i, n in enumerate(large.templates) if n] == [(3, 200)]


@given(hs.permutations(range(40)), hs.integers(0, 3))
def test_two_open_days_do_not_mix_whatever_the_order_within_the_lateness(
    order: list[int], late: int
) -> None:
    partition = AccountPartition(config(allowed_lateness_minutes=120), 0)
    first = request(1000, START + DAY - HOUR)
    events = [request(n, START + DAY - HOUR + n * 3 * MINUTE, "a") for n in order]
    closed = feed(partition, [first, *events], late)
    days = sums(closed + partition.drain())
    before = sum(n * 3 * MINUTE < HOUR for n in range(40)) + 1
    assert [s.requests for s in days] == [before, 41 - before]


def test_a_name_that_was_answered_by_an_error_alone_is_no_model() -> None:
    partition = AccountPartition(config(), 0)
    names = ["large-5"] * 3 + ["mispelt"] * 5
    feed(
        partition,
        [
            request(n, START + n, model=name, status=404 if name == "mispelt" else 200)
            for n, name in enumerate(names)
        ],
    )
    assert known(partition) == {"large-5"}


def test_a_model_unused_for_a_day_gives_its_place_to_a_new_one_and_its_day_with_it() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(n, START + n, model=f"model-{n}") for n in range(MODELS_KNOWN)])
    feed(partition, [request(100, START + HOUR, model="too-soon")])
    assert "too-soon" not in known(partition)
    closed = feed(partition, [request(200 + n, START + 2 * DAY, model="later") for n in range(5)])
    assert "later" in known(partition)
    assert {s.name: s.requests for s in sums(closed + partition.drain())}["later"] == 5


def test_the_model_of_an_accounts_day_is_one_that_it_asks_and_mostly_the_main_one() -> None:
    partition = AccountPartition(config(), 0)
    events = [
        request(n, START + n * 20_000, f"a-{n % 100}", model="small-2" if n < 1_000 else "large-5")
        for n in range(4_000)
    ]
    feed(partition, events)
    partition.raise_mark(START + 23 * HOUR)
    state = partition.state
    names = {int(m["fp"]): bytes(m["name"][: m["name_len"]]).decode() for m in state.models}
    rows = partition.state.days[state.days["requests"] > 0]
    assert rows.size == 100
    of_accounts = [names[int(row["model"])] for row in rows]
    assert 60 <= of_accounts.count("large-5") <= 90  # it has three quarters of the requests
    assert of_accounts.count("small-2") == 100 - of_accounts.count("large-5")


def test_a_closed_day_is_told_once() -> None:
    partition = AccountPartition(config(), 0)
    feed(partition, [request(0, START)])
    assert len(close_models(partition.state, START // MINUTE + 1439)) == 1
    assert close_models(partition.state, START // MINUTE + 1439) == []


def test_cohorts_and_organisations_are_summed_where_a_detector_asks_and_the_busiest_alone() -> None:
    partition = AccountPartition(config(accounts=2_000), 0)
    events: list[dict[str, Any]] = [
        request(n, START + n * 20, f"a-{n}", org_id=f"o-{n % 1200}", account_tier="free")
        for n in range(1_500)
    ]
    feed(partition, events)
    partition.raise_mark(START + 3 * HOUR)
    rows = np.flatnonzero(partition.state.days["requests"])
    found = group_sums(
        partition.state, START // MINUTE + 1439, rows, frozenset({"cohort", "organisation"})
    )
    orgs = [s for s in found if s.entity == "organisation"]
    assert len(orgs) == MOST_GROUPS
    assert sum(s.accounts == 2 for s in orgs) == 300
    (cohort,) = (s for s in found if s.entity == "cohort")
    assert (cohort.accounts, cohort.requests) == (1_500, 1_500)
