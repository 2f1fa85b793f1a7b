"""Who shares what in a world: attackers divide their means, honest look-alikes share openly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.worlds.parts import END_MS, actors_of
from worlds.actors import NEVER, Actors
from worlds.clock import DAY_MS
from worlds.presets import preset
from worlds.randomness import shared_among, stream
from worlds.simulation import Simulation


@pytest.fixture(scope="module")
def world() -> Simulation:
    return Simulation(preset("quick"), 1, END_MS)


@pytest.fixture(scope="module")
def big() -> list[Simulation]:
    """Worlds whose networks are whole; nothing of them is run."""
    return [
        Simulation(preset(name), seed, END_MS)
        for name in ("standard", "evasive")
        for seed in (1, 2)
    ]


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
