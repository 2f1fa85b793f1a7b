"""Who shares what in a world: attackers divide their means, honest look-alikes share openly."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from worlds.actors import NEVER, Actors
from worlds.clock import DAY_MS
from worlds.compose import Group
from worlds.draw import Requests
from worlds.presets import preset
from worlds.randomness import shared_among, stream
from worlds.simulation import Simulation

END_MS = 1_777_000_000_000
START_MS = END_MS - 7 * DAY_MS


@pytest.fixture(scope="module")
def world() -> Simulation:
    return Simulation(preset("quick"), 1, END_MS)


@pytest.fixture(scope="module")
def rows(world: Simulation) -> Requests:
    return np.concatenate(list(world.rows()))


@pytest.fixture(scope="module")
def days() -> tuple[Simulation, Any]:
    """Two whole weeks of every common attack, and requests by account and day."""
    world = Simulation(preset("standard", scale=0.3), 1, END_MS)
    return world, _daily(world)


@pytest.fixture(scope="module")
def hard_days() -> tuple[Simulation, Any]:
    world = Simulation(preset("evasive", scale=0.3), 2, END_MS)
    return world, _daily(world)


def _daily(world: Simulation) -> Any:
    first = world.start_ms // DAY_MS
    table = np.zeros((len(world.cast.names), round(world.spec.days) + 2), dtype=np.int64)
    for part in world.rows():
        once = part[~part["again"]]
        account = world.cast.actors["account"][once["actor"]]
        np.add.at(table, (account, once["time"] // DAY_MS - first), 1)
    return table[:, 1:-2]  # whole days


@pytest.fixture(scope="module")
def big() -> list[Simulation]:
    """Worlds whose networks are whole; nothing of them is run."""
    return [
        Simulation(preset(name), seed, END_MS)
        for name in ("standard", "evasive")
        for seed in (1, 2)
    ]


def actors_of(world: Simulation, kind: str) -> Actors:
    (group,) = (g for g in world.cast.groups if g.kind == kind)
    return world.cast.actors[group.begin : group.end]


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


def networks(world: Simulation) -> list[Actors]:
    """The actors of every network whose means nothing but its divisions decides."""
    kinds = ("classic_hydra", "release_pivot", "multi_capability", "synchronised_grading",
             "trace_coercion", "diluted_hydra", "jittered_schedule", "low_and_slow")  # fmt: skip
    return [
        (rows := world.cast.actors[group.begin : group.end])[rows["guilty"]]
        for group in world.cast.groups
        if group.kind in kinds
    ]


def test_no_card_device_or_prefix_of_a_hydra_serves_more_than_a_few(big: list[Simulation]) -> None:
    found = [hydra for world in big for hydra in networks(world)]
    assert len(found) > 10
    for hydra in found:
        common = hydra["devices"][:, 0]
        common = common[np.isin(common, looks_common(big))]
        own = hydra["devices"][:, 0][~np.isin(hydra["devices"][:, 0], common)]
        assert max(users_per_value(hydra["payment"])) <= 10  # eight, and slips
        assert max(users_per_value(own)) <= 4
        bought = hydra["places"][hydra["places"][:, 2] == 0, :2].ravel()
        assert max(users_per_value(bought), default=0) <= 45
        assert max(users_per_value(hydra["templates"][:, 0])) < 0.6 * len(hydra)
        assert max(users_per_value(hydra["org"])) == 1  # one's own, or none


def looks_common(worlds: list[Simulation]) -> Any:
    return np.concatenate([world.cast.ground.commons.devices for world in worlds])


def test_a_card_serves_a_handful_and_a_bought_prefix_dozens(big: list[Simulation]) -> None:
    found = [hydra for world in big for hydra in networks(world)]
    cards = [n for hydra in found for n in users_per_value(hydra["payment"]) if n > 1]
    assert 4 <= np.median(cards) <= 8
    prefixes = [
        n
        for hydra in found
        for n in users_per_value(hydra["places"][hydra["places"][:, 2] == 0, :2].ravel())
    ]
    assert 15 <= np.median(prefixes) <= 40


def test_networks_differ_in_what_they_leave_out(big: list[Simulation]) -> None:
    found = [hydra for world in big for hydra in networks(world)]
    for name, values in (
        ("payment", [hydra["payment"] for hydra in found]),
        ("device", [hydra["devices"][:, 0] for hydra in found]),
    ):
        shared = [np.mean(np.isin(v, twice(v))) for v in values]
        assert min(shared) < 0.45, name
        assert max(shared) > 0.65, name


def twice(values: Any) -> Any:
    some, count = np.unique(values[values != 0], return_counts=True)
    return some[count > 1]


def test_hard_links_join_cells_of_a_hydra_and_never_most_of_it(big: list[Simulation]) -> None:
    """A union over cards and devices, however chosen, is no short cut to a network."""
    largest = []
    for world in big:
        for hydra in networks(world):
            account = np.unique(hydra["account"], return_inverse=True)[1]
            values = np.stack([hydra["payment"], hydra["devices"][:, 0]], axis=1)
            largest.append(largest_component(account, values) / (account.max() + 1))
    assert max(largest) < 0.4
    assert np.median(largest) < 0.15


def largest_component(account: Any, values: Any) -> int:
    """Accounts of the largest component joined by any value but 0."""
    parent = list(range(int(account.max()) + 1))

    def root(one: int) -> int:
        while parent[one] != one:
            one = parent[one]
        return one

    first: dict[tuple[int, int], int] = {}
    for row, one in enumerate(account.tolist()):
        for column, value in enumerate(values[row].tolist()):
            if value:
                parent[root(one)] = root(first.setdefault((column, value), one))
    return Counter(root(one) for one in range(len(parent))).most_common(1)[0][1]


def test_the_hydra_starts_part_way_in_waves_with_accounts_fresh_and_aged(
    world: Simulation,
) -> None:
    hydra = actors_of(world, "classic_hydra")
    assert hydra["starts"].min() >= START_MS + 3.9 * DAY_MS
    assert hydra["starts"].max() - hydra["starts"].min() > DAY_MS / 3
    age = (hydra["starts"] - hydra["created"]) / DAY_MS
    assert 0.4 < np.mean(age < 7) < 0.8
    assert np.mean(age > 30) > 0.15


def test_a_part_of_ordinary_accounts_share_cards_and_devices_in_small_circles(
    world: Simulation,
) -> None:
    people = actors_of(world, "ordinary")
    models = world.cast.ground.commons.devices
    paying = people["payment"][people["payment"] != 0]
    assert max(users_per_value(paying)) <= 9  # the largest team
    assert 0.1 < np.mean(np.isin(paying, twice(paying))) < 0.4
    first = people["devices"][:, 0]
    own = first[~np.isin(first, models)]
    assert max(users_per_value(own)) <= 10  # guests of one machine in a cafe
    assert 0.1 < np.mean(np.isin(first, twice(first))) < 0.4


def test_neighbours_meet_on_prefixes_by_twos_and_threes(world: Simulation) -> None:
    homes = users_per_value(actors_of(world, "ordinary")["places"][:, 0])
    alone = sum(n for n in homes if n == 1) / sum(homes)
    crowded = sum(n for n in homes if n > 6) / sum(homes)
    assert 0.3 < alone < 0.6
    assert 0.1 < crowded < 0.3


def test_no_union_of_cards_devices_and_prefixes_tells_a_hydra_from_a_town(
    world: Simulation,
) -> None:
    """What joins most of a network joins most innocent people as well."""
    people = actors_of(world, "ordinary")
    values = np.concatenate([people["places"], people["devices"], people["payment"][:, None]], 1)
    used = np.diff(people["places_cum"], axis=1, prepend=0.0) > 0
    values[:, : used.shape[1]][~used] = 0
    joined = largest_component(people["account"], values)
    assert joined > 0.5 * len(people)


def test_without_everyday_sharing_people_meet_only_as_strangers_do() -> None:
    world = Simulation(replace(preset("quick"), sharing=0.0), 1, END_MS)
    people = actors_of(world, "ordinary")
    assert max(users_per_value(people["payment"])) == 1
    assert max(users_per_value(people["devices"].ravel())) == 1


def test_people_who_sign_up_again_do_so_after_a_lapse_on_their_old_machine(
    world: Simulation,
) -> None:
    people = actors_of(world, "ordinary")
    ended = people[people["ends"] != NEVER]
    assert len(ended) > 30
    for old in ended[:50]:
        mine = people[people["devices"][:, 0] == old["devices"][0]]
        later = mine[mine["created"] >= old["ends"]]
        assert len(later) or old["devices"][0] in world.cast.ground.commons.devices


def test_strangers_share_mobile_vpn_and_framework_values_by_the_dozen(world: Simulation) -> None:
    people = actors_of(world, "ordinary")
    assert max(users_per_value(people["places"][:, 1])) >= 30
    assert max(users_per_value(people["systems"][:, 0])) >= 50
    assert max(users_per_value(people["templates"][:, -1])) >= 50


def test_about_one_in_a_hundred_ordinary_accounts_is_born_each_day(world: Simulation) -> None:
    created = actors_of(world, "ordinary")["created"]
    assert 0.005 < np.mean(created >= START_MS) / 7 < 0.015


def test_organisations_pay_with_one_card_and_the_largest_grows_in_a_day(world: Simulation) -> None:
    seats = actors_of(world, "organisation")
    orgs = Counter(seats["org"].tolist())
    largest = seats[seats["org"] == orgs.most_common(1)[0][0]]
    assert 50 <= len(largest) <= 200
    assert min(orgs.values()) >= 2
    by_day = Counter((largest["created"] // DAY_MS).tolist())
    assert max(by_day.values()) >= 15
    one_card = [len(set(seats["payment"][seats["org"] == org].tolist())) == 1 for org in orgs]
    assert np.mean(one_card) > 0.7


def test_a_class_is_new_on_one_campus_with_one_assignment_and_no_shared_card(
    world: Simulation,
) -> None:
    students = actors_of(world, "classroom")
    assert len(set(students["places"][:, 0].tolist())) == 1
    assert students["created"].max() - students["created"].min() <= 2 * DAY_MS
    assert len(set(students["templates"][:, 0].tolist())) == 1
    assert max(users_per_value(students["payment"]), default=1) == 1
    campus = world.cast.ground.places.fragments()[int(students["places"][0, 0])]
    assert b'"ip_class":"edu"' in campus


def test_people_sleep_and_offices_close_at_weekends(world: Simulation, rows: Requests) -> None:
    actors = world.cast.actors[rows["actor"]]
    german = actors["country"] == 4
    hour = (rows["time"][german] // 3_600_000 + 1) % 24
    counts = np.bincount(hour, minlength=24)
    assert counts[1:6].mean() < 0.5 * counts[9:18].mean()
    seats = {g.kind: g for g in world.cast.groups}["organisation"]
    staff = (rows["actor"] >= seats.begin) & (rows["actor"] < seats.end) & (actors["rhythm"] == 0)
    weekday = (rows["time"][staff] // DAY_MS + 3) % 7
    per_day = np.bincount(weekday, minlength=7)
    assert per_day[5:].mean() < 0.6 * per_day[:5].mean()


def test_a_new_model_is_taken_up_along_a_curve_and_half_a_network_pivots_in_a_day() -> None:
    world = Simulation(preset("standard", scale=0.15), 3, END_MS)
    release = world.cast.ground.release_at
    rows = np.concatenate(list(world.rows()))
    assert not (rows["model"][rows["time"] < release] == 4).any()

    def share(kind: str, day: int) -> float:
        (group,) = (g for g in world.cast.groups if g.kind == kind)
        mine = (rows["actor"] >= group.begin) & (rows["actor"] < group.end)
        then = rows["time"] // DAY_MS == release // DAY_MS + day
        return float(np.mean(rows["model"][mine & then] == 4))

    assert share("ordinary", 1) < 0.25
    assert share("ordinary", 1) < share("ordinary", 3) < share("ordinary", 6)
    assert 0.4 < share("release_pivot", 2) < 0.7
    assert share("launch_day", 2) > 0.5


APART = {  # what the sources say of these is another rate
    "A8": "a few requests a day",
    "A9": "thousands per account",
    "A12": "one key drained in hours",
}
IN_THE_BAND = 0.7  # of a campaign's accounts, by their mean active day


@pytest.mark.parametrize("weeks", ["days", "hard_days"])
def test_an_attacking_account_sends_what_an_active_ordinary_account_does(
    weeks: str, request: pytest.FixtureRequest
) -> None:
    world, daily = request.getfixturevalue(weeks)
    ordinary = daily[: world.spec.accounts]
    active = ordinary[ordinary > 0]
    low, high = np.quantile(active, (0.5, 0.8))
    assert 8 <= low <= 20
    for group in world.cast.groups:
        if group.label == "attack" and group.code not in APART:
            theirs = daily[group.first : group.last]
            if group.code == "A17":  # asleep before, with a request now and then
                theirs = theirs[:, awake_from(world, group) :]
            days_active = (theirs > 0).sum(axis=1)
            mean = theirs.sum(axis=1)[days_active > 0] / days_active[days_active > 0]
            assert np.mean((mean >= low) & (mean <= high)) >= IN_THE_BAND, group.code
            theirs = theirs[theirs > 0]
            assert low <= np.median(theirs) <= high, group.code
            assert low <= theirs.mean() <= high, group.code


def awake_from(world: Simulation, group: Group) -> int:
    """The first whole day on which every account of a group is at work, as a column of `_daily`."""
    table = world.cast.actors[group.begin : group.end]
    last = int(table["starts"][table["guilty"]].max())
    return last // DAY_MS - world.start_ms // DAY_MS


def test_ordinary_volume_has_many_idle_days_and_a_heavy_tail(days: tuple[Simulation, Any]) -> None:
    world, daily = days
    ordinary = daily[: world.spec.accounts]
    assert 0.25 < np.mean(ordinary > 0) < 0.6
    active = np.sort(ordinary[ordinary > 0])
    top = active[-len(active) // 100 :]
    assert top.sum() > 0.1 * active.sum()


def test_banned_accounts_stop_and_are_replaced_within_the_hour() -> None:
    world = Simulation(preset("standard", scale=0.2), 1, END_MS)
    table = actors_of(world, "ban_and_replace")
    banned = table[table["ends"] < END_MS]
    assert len(banned) > 5
    for ends in banned["ends"].tolist():
        assert ((table["starts"] > ends) & (table["starts"] <= ends + 3_600_000)).any() or (
            ends > END_MS - 3_600_000
        )
    ends_of = table["ends"]
    for part in world.rows():
        (group,) = (g for g in world.cast.groups if g.kind == "ban_and_replace")
        mine = part[(part["actor"] >= group.begin) & (part["actor"] < group.end)]
        assert (mine["time"] < ends_of[mine["actor"] - group.begin]).all()


def test_few_requests_of_a_diluted_proxy_are_extraction() -> None:
    world = Simulation(preset("evasive", scale=0.3), 1, END_MS)
    sent: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    groups = [g for g in world.cast.groups if g.kind == "diluted_hydra"]
    for part in world.rows():
        for g in groups:
            mine = part[(part["actor"] >= g.begin) & (part["actor"] < g.end)]
            sent[str(g.campaign)][0] += int(mine["guilty"].sum())
            sent[str(g.campaign)][1] += len(mine)
    shares = [guilty / everything for guilty, everything in sent.values()]
    assert shares == [pytest.approx(0.05, abs=0.04), pytest.approx(0.1, abs=0.05)]
