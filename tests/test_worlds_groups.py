"""Who shares what in a world: the hydra divides its means, the honest look-alikes share openly."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from worlds.clock import DAY_MS
from worlds.randomness import shared_among, stream
from worlds.vocabulary import CLASS, HYDRA, ORDINARY, ORGANISATION
from worlds.world import World, build

END_MS = 1_777_000_000_000
START_MS = END_MS - 7 * DAY_MS


@pytest.fixture(scope="module")
def world() -> World:
    return build(seed=1, days=7, accounts=2_000, end_ms=END_MS)


def rows_of(world: World, label: int) -> Any:
    return np.flatnonzero(world.accounts.label == label)


def users_per_value(values: Any) -> list[int]:
    return list(Counter(int(v) for v in values if v).values())


def test_a_division_keeps_its_bounds_and_leaves_nobody_out() -> None:
    for members in (1, 3, 7, 60, 299, 300, 1_001):
        for low, high in ((4, 8), (2, 4), (15, 40)):
            groups = shared_among(stream(members, "test"), members, low, high)
            sizes = np.bincount(groups)
            assert sizes.sum() == members
            if members >= 2 * high:
                assert sizes.min() >= low
                assert sizes.max() <= high


def test_no_card_device_or_prefix_of_the_hydra_serves_more_than_a_few(world: World) -> None:
    table, mine = world.accounts, rows_of(world, HYDRA)
    assert max(users_per_value(table.payment[mine])) <= 8
    assert max(users_per_value(table.devices[mine, 0])) <= 4
    prefixes = users_per_value(table.places[mine][:, :2].ravel())
    assert min(prefixes) >= 15
    assert max(prefixes) <= 40
    assert not table.org[mine].any()


def test_the_hydras_divisions_overlap_so_that_hard_links_join_most_of_it(
    world: World,
) -> None:
    table, mine = world.accounts, rows_of(world, HYDRA)
    parent = {int(row): int(row) for row in mine}

    def root(row: int) -> int:
        while parent[row] != row:
            row = parent[row]
        return row

    holders: dict[int, list[int]] = defaultdict(list)
    for row in mine.tolist():
        for value in (int(table.payment[row]), int(table.devices[row, 0])):
            if value:
                holders[value].append(row)
    for members in holders.values():
        for row in members[1:]:
            parent[root(row)] = root(members[0])
    largest = Counter(root(int(row)) for row in mine).most_common(1)[0][1]
    assert largest > 0.9 * len(mine)


def test_the_hydra_starts_part_way_in_waves_with_accounts_days_old(world: World) -> None:
    table, mine = world.accounts, rows_of(world, HYDRA)
    starts = table.starts[mine]
    assert starts.min() >= START_MS + 4 * DAY_MS
    assert starts.max() - starts.min() > DAY_MS / 3
    age = (starts - table.created[mine]) / DAY_MS
    assert age.min() > 0.1
    assert age.max() < 4


def test_the_hydra_asks_for_little_else_than_coding_agents_and_reasoning(world: World) -> None:
    records = world.records
    label = world.accounts.label[records.account]
    narrow = np.isin(records.capability, (0, 1, 4))
    assert narrow[label == HYDRA].mean() > 0.85
    assert narrow[label == ORDINARY].mean() < 0.6


def test_ordinary_accounts_hardly_share_cards_or_devices(world: World) -> None:
    table, mine = world.accounts, rows_of(world, ORDINARY)
    assert max(users_per_value(table.payment[mine])) == 2  # households
    assert max(users_per_value(table.devices[mine].ravel())) == 2


def test_strangers_share_mobile_vpn_and_framework_values_by_the_dozen(world: World) -> None:
    table, mine = world.accounts, rows_of(world, ORDINARY)
    assert max(users_per_value(table.places[mine, 1])) >= 30
    assert max(users_per_value(table.systems[mine, 0])) >= 50
    assert max(users_per_value(table.templates[mine, -1])) >= 50


def test_about_one_in_a_hundred_ordinary_accounts_is_born_each_day(world: World) -> None:
    created = world.accounts.created[rows_of(world, ORDINARY)]
    assert 0.005 < np.mean(created >= START_MS) / 7 < 0.015


def test_organisations_pay_with_one_card_and_the_largest_grows_in_a_day(world: World) -> None:
    table, mine = world.accounts, rows_of(world, ORGANISATION)
    orgs = Counter(table.org[mine].tolist())
    largest = mine[table.org[mine] == orgs.most_common(1)[0][0]]
    assert 50 <= len(largest) <= 200
    assert min(orgs.values()) >= 2
    by_day = Counter((table.created[largest] // DAY_MS).tolist())
    assert max(by_day.values()) >= 15
    one_card = [len(set(table.payment[mine[table.org[mine] == org]].tolist())) == 1 for org in orgs]
    assert np.mean(one_card) > 0.7


def test_a_class_is_new_on_one_campus_with_one_assignment_and_no_shared_card(world: World) -> None:
    table, mine = world.accounts, rows_of(world, CLASS)
    assert 60 <= len(mine) <= 120
    assert len(set(table.places[mine, 0].tolist())) == 1
    assert table.created[mine].max() - table.created[mine].min() <= 2 * DAY_MS
    assert len(set(table.templates[mine, -1].tolist())) == 1
    assert max(users_per_value(table.payment[mine]), default=1) == 1
    at_campus = np.flatnonzero(world.records.place == table.places[mine[0], 0])[:50]
    values = [value for chunk in world.chunks() for value in chunk.values]
    assert all(b'"ip_class":"edu"' in values[row] for row in at_campus)


def test_people_sleep_and_offices_close_at_weekends(world: World) -> None:
    records, table = world.records, world.accounts
    german = table.country[records.account] == 4
    hour = (records.time[german] // 3_600_000 + 1) % 24
    counts = np.bincount(hour, minlength=24)
    assert counts[1:6].mean() < 0.5 * counts[9:18].mean()
    staff = table.label[records.account] == ORGANISATION
    weekday = (records.time[staff] // DAY_MS + 3) % 7
    per_day = np.bincount(weekday, minlength=7)
    assert per_day[5:].mean() < 0.6 * per_day[:5].mean()
