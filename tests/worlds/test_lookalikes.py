"""What each innocent look-alike is known by: one property of the one idea in its file."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.worlds.parts import Part, holders, parts_of_the_world, top_share
from worlds.clock import DAY_MS, HOUR_MS, MINUTE_MS
from worlds.vocabulary import COUNTRIES


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    return parts_of_the_world()


def test_every_piece_sends_something(parts: dict[str, Part]) -> None:
    assert [code for code, part in parts.items() if not len(part.rows)] == []


def test_b1_doubles_its_volume_and_moves_to_the_new_model_within_a_day(
    parts: dict[str, Part],
) -> None:
    part = parts["B1"]
    since = part.rows["time"] - part.world.cast.ground.release_at
    first = (since > DAY_MS) & (since < 2 * DAY_MS)
    assert np.mean(part.rows["model"][first] == 4) > 0.5
    before = ((since > -5 * DAY_MS) & (since < 0)).sum() / 5
    assert first.sum() > 1.5 * before


def test_b2_leaves_the_old_model_by_the_deadline(parts: dict[str, Part]) -> None:
    part = parts["B2"]
    deadline = part.world.cast.ground.moment(0.6)
    old = part.rows["model"] == 2
    assert np.mean(old[part.rows["time"] < deadline - 5 * DAY_MS]) > 0.6
    assert not old[part.rows["time"] > deadline].any()


def test_b3_sends_tens_of_thousands_of_repeating_prompts_from_three_templates(
    parts: dict[str, Part],
) -> None:
    part = parts["B3"]
    assert 15_000 < len(part.rows) < 25_000
    assert len(np.unique(part.rows["prompt"])) <= 8_000
    assert np.ptp(part.rows["time"]) < 1.6 * DAY_MS


def test_b4_grades_from_companies_with_short_answers(parts: dict[str, Part]) -> None:
    part = parts["B4"]
    assert np.mean(part.rows["capability"] == 6) > 0.5
    assert np.median(part.rows["output"]) < 120
    assert len(np.unique(part.actors["org"])) == 6


def test_b5_and_b9_have_one_card_each_and_a_contract(parts: dict[str, Part]) -> None:
    contracts = {c["org_id"] for c in parts["B5"].world.controls() if c["kind"] == "allowance"}
    for code in ("B5", "B9"):
        assert len(np.unique(parts[code].actors["payment"])) == 1
        assert f"o-{int(parts[code].actors['org'][0]):012x}" in contracts
    by_account = np.bincount(parts["B9"].rows["actor"] - parts["B9"].begin)
    assert by_account.std() / by_account.mean() < 0.15


def test_b6_sits_behind_two_exits_and_b18_on_one_card_at_home(parts: dict[str, Part]) -> None:
    office, card = parts["B6"], parts["B18"]
    at_office = np.isin(office.rows["place"], np.unique(office.actors["places"][:, 0]))
    assert len(np.unique(office.actors["places"][:, 0])) == 2
    assert at_office.mean() > 0.85
    assert len(np.unique(card.actors["payment"])) == 1
    assert max(holders(card.rows["place"], card.own["account"])) == 1


def test_b8_shares_a_carriers_prefixes(parts: dict[str, Part]) -> None:
    part = parts["B8"]
    assert max(holders(part.rows["place"], part.own["account"])) > 80
    assert "mobile" in part.ip_classes()


def test_b10_starts_on_the_same_minutes(parts: dict[str, Part]) -> None:
    part = parts["B10"]
    opening = part.rows[part.rows["turn"] == 0]
    minutes = Counter((opening["time"] // MINUTE_MS % 60).tolist())
    assert sum(n for _, n in minutes.most_common(6)) > 0.95 * len(opening)


def test_b11_does_most_of_its_month_in_three_days(parts: dict[str, Part]) -> None:
    daily = np.sort(parts["B11"].daily())
    assert daily[-2:].mean() > 3 * np.median(daily)


def test_b12_rests_for_two_days(parts: dict[str, Part]) -> None:
    part = parts["B12"]
    assert {COUNTRIES[c].code for c in np.unique(part.actors["country"])} == {"FR"}
    column = part.world.cast.ground.calendar.column(part.world.cast.ground.moment(0.5))
    volume = part.world.cast.ground.calendar.volume[int(part.actors["country"][0])]
    assert volume[column : column + 2].tolist() == [0.2, 0.2]
    assert volume.sum() == len(volume) - 2 + 0.4


def test_b13_is_born_in_days_of_one_referral(parts: dict[str, Part]) -> None:
    table = parts["B13"].actors
    assert np.ptp(table["created"]) < 4.1 * DAY_MS
    assert len(np.unique(table["referral"])) == 1


def test_b14_lasts_two_days_at_one_venue(parts: dict[str, Part]) -> None:
    part = parts["B14"]
    assert np.ptp(part.rows["time"]) < 2 * DAY_MS
    assert top_share(part.rows["place"][part.rows["place"] > 0]) > 0.8


def test_b15_has_a_prompt_in_common_and_nothing_else(parts: dict[str, Part]) -> None:
    part = parts["B15"]
    assert max(holders(part.rows["system"], part.own["account"])) > 600
    assert max(holders(part.rows["payment"], part.own["account"])) <= 9  # a team by chance


def test_b16_works_at_night_in_long_sessions(parts: dict[str, Part]) -> None:
    part = parts["B16"]
    agents = part.actors["turns"] >= 90
    rows = part.rows[agents[part.rows["actor"] - part.begin]]
    offset = np.array([c.offset_minutes for c in COUNTRIES])[
        part.world.cast.actors["country"][rows["actor"]]
    ]
    hour = (rows["time"] // MINUTE_MS + offset) // 60 % 24
    assert np.mean((hour >= 21) | (hour < 8)) > 0.85


def test_b17_keeps_three_to_five_accounts_on_a_device(parts: dict[str, Part]) -> None:
    part = parts["B17"]
    sizes = Counter(part.actors["devices"][:, 0].tolist()).values()
    assert min(sizes) >= 3
    assert max(sizes) <= 5


def test_b19_is_silent_for_hours_and_floods_in_one(parts: dict[str, Part]) -> None:
    part = parts["B19"]
    down = part.world.cast.ground.moment(0.5)
    up = down + 8 * HOUR_MS
    time = part.rows["time"]
    assert not ((time >= down + MINUTE_MS) & (time < up)).any()
    usual = len(time) / 14 / 24
    assert ((time >= up) & (time < up + HOUR_MS)).sum() > 4 * usual


def test_b20_changes_every_identifier_but_the_accounts(parts: dict[str, Part]) -> None:
    part = parts["B20"]
    before, after = (part.actors[part.actors["epoch"] == epoch] for epoch in (1, 2))
    assert (before["account"] == after["account"]).all()
    for name in ("payment", "org", "devices"):
        assert not np.intersect1d(before[name], after[name]).size
    assert (before["ends"] == after["starts"]).all()


def test_b21_has_three_to_five_people_to_an_account(parts: dict[str, Part]) -> None:
    people = Counter(parts["B21"].actors["account"].tolist()).values()
    assert min(people) >= 3
    assert max(people) <= 5
    assert not parts["B21"].rows["guilty"].any()
