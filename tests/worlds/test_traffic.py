"""When actors of a world come and go, and how much they send: by the hour, the week and the release."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from tests.worlds.parts import END_MS, actors_of
from worlds.clock import DAY_MS
from worlds.compose import Group
from worlds.draw import Requests
from worlds.presets import preset
from worlds.simulation import Simulation

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


def test_the_hydra_starts_part_way_in_waves_with_accounts_fresh_and_aged(
    world: Simulation,
) -> None:
    hydra = actors_of(world, "classic_hydra")
    assert hydra["starts"].min() >= START_MS + 3.9 * DAY_MS
    assert hydra["starts"].max() - hydra["starts"].min() > DAY_MS / 3
    age = (hydra["starts"] - hydra["created"]) / DAY_MS
    assert 0.4 < np.mean(age < 7) < 0.8
    assert np.mean(age > 30) > 0.15


def test_about_one_in_a_hundred_ordinary_accounts_is_born_each_day(world: Simulation) -> None:
    created = actors_of(world, "ordinary")["created"]
    assert 0.005 < np.mean(created >= START_MS) / 7 < 0.015


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
