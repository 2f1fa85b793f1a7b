"""What each look-alike and each attack is known by: one property of the one idea in its file."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from worlds.actors import Actors
from worlds.catalogue import KIND_OF
from worlds.clock import DAY_MS, HOUR_MS, MINUTE_MS
from worlds.draw import Requests
from worlds.simulation import Simulation
from worlds.spec import Chosen, WorldSpec
from worlds.vocabulary import CLIENTS, COUNTRIES, IP_CLASSES

END_MS = 1_777_000_000_000
SPEC = WorldSpec(
    days=14.0,
    accounts=400,
    seats=60,
    pieces=tuple(Chosen(kind) for kind in KIND_OF.values()),
)


@dataclass
class Part:
    """One piece's actors and requests (each once); `place` is (prefix class) by place number."""

    actors: Actors
    rows: Requests
    begin: int
    world: Simulation

    @property
    def own(self) -> Actors:
        """The actor of each request."""
        return self.world.cast.actors[self.rows["actor"]]

    def ip_classes(self) -> set[str]:
        table = np.concatenate(self.world.cast.ground.places._columns)
        known = self.rows["place"][self.rows["place"] > 0]
        return {IP_CLASSES[code] for code in np.unique(table[known, 1])}

    def daily(self, rows: Any = None) -> Any:
        """Requests by day of the world."""
        rows = self.rows if rows is None else rows
        return np.bincount((rows["time"] - self.world.start_ms) // DAY_MS, minlength=14)


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    world = Simulation(SPEC, 1, END_MS)
    rows = np.concatenate([part[~part["again"]] for part in world.rows()])
    found = {}
    for g in world.cast.groups:
        if g.code:
            mine = rows[(rows["actor"] >= g.begin) & (rows["actor"] < g.end)]
            found[g.code] = Part(world.cast.actors[g.begin : g.end], mine, g.begin, world)
    return found


def holders(values: Any, accounts: Any) -> list[int]:
    """Accounts per value, 0 apart."""
    found: dict[int, set[int]] = defaultdict(set)
    for value, account in zip(values.tolist(), accounts.tolist(), strict=True):
        if value:
            found[value].add(account)
    return sorted(len(some) for some in found.values())


def top_share(codes: Any) -> float:
    return float(Counter(codes.tolist()).most_common(1)[0][1] / len(codes))


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
    assert max(holders(part.rows["payment"], part.own["account"])) <= 2


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


def test_a3_draws_six_capabilities_through_three_ways(parts: dict[str, Part]) -> None:
    part = parts["A3"]
    shares = np.bincount(part.rows["capability"], minlength=11)[:10] / len(part.rows)
    assert (shares > 0.08).sum() == 6
    paths = {CLIENTS[c].access_path for c in np.unique(part.rows["client"]) if c < len(CLIENTS)}
    assert paths == {"api", "cloud_a", "cloud_b"}


def test_a4_acts_in_the_same_minutes(parts: dict[str, Part]) -> None:
    def crowding(part: Part) -> float:
        """Accounts of one part that open a session in the same two minutes, at the most crowded."""
        opening = part.rows[part.rows["turn"] == 0]
        together = Counter(zip(part.world.cast.actors["beat"][opening["actor"]].tolist(),
                               (opening["time"] // (2 * MINUTE_MS)).tolist(), strict=True))  # fmt: skip
        return float(np.mean([n for _, n in together.most_common(200)]))

    assert crowding(parts["A4"]) > 2 * crowding(parts["A5"]) > 0


def test_a5_writes_in_ten_languages_and_more(parts: dict[str, Part]) -> None:
    part = parts["A5"]
    counts = np.bincount(part.rows["language"])[:16]
    assert (counts > 0.02 * len(part.rows)).sum() >= 10


def test_a6_hides_a_quarter_of_extraction_in_its_customers_traffic(parts: dict[str, Part]) -> None:
    assert np.mean(parts["A6"].rows["guilty"]) == pytest.approx(0.25, abs=0.06)


def test_a8_sends_two_to_five_a_day(parts: dict[str, Part]) -> None:
    part = parts["A8"]
    per_day = Counter(zip(part.rows["actor"].tolist(), (part.rows["time"] // DAY_MS).tolist(),
                          strict=True))  # fmt: skip
    assert 2 <= np.mean(list(per_day.values())) <= 5


def test_a9_loads_six_accounts_evenly_and_hands_over_on_errors(parts: dict[str, Part]) -> None:
    part = parts["A9"]
    by_account = np.bincount(part.rows["actor"] - part.begin)
    assert len(by_account) == 6
    assert (np.abs(by_account / 8_940 - 1) < 0.25).all()
    refused = part.rows[part.rows["status"] >= 2]
    others = 0
    for row in refused[:200]:
        since = part.rows["time"] - row["time"]
        near = part.rows[(since > 0) & (since <= 4_000) & (part.rows["status"] == 0)]
        others += bool((near["actor"] != row["actor"]).any())
    assert others > 0.5 * min(200, len(refused))


def test_a10_is_born_in_three_days_for_free_without_telemetry(parts: dict[str, Part]) -> None:
    table = parts["A10"].actors
    assert np.ptp(table["created"]) < 3 * DAY_MS
    assert set(np.unique(table["tier"]).tolist()) <= {0, 1}
    assert not table["payment"].any()
    silent = [not CLIENTS[c].attested for c in table["client"].tolist()]
    assert np.mean(silent) > 0.7
    assert len(np.unique(table["org"])) == len(table)


def test_a11_comes_through_programmes(parts: dict[str, Part]) -> None:
    assert np.mean(parts["A11"].actors["tier"] == 4) > 0.6


def test_a12_is_one_account_drained_in_five_hours(parts: dict[str, Part]) -> None:
    part = parts["A12"]
    stolen = part.rows[part.rows["guilty"]]
    assert len(np.unique(part.own["account"])) == 1
    assert len(stolen) == pytest.approx(20_000, rel=0.05)
    assert np.ptp(stolen["time"]) <= 5 * HOUR_MS
    assert (~part.rows["guilty"]).any()


def test_a13_shares_templates_and_nothing_else(parts: dict[str, Part]) -> None:
    part = parts["A13"]
    for name in ("payment", "device", "place", "system"):
        assert max(holders(part.rows[name], part.own["account"]), default=0) <= 1
    assert max(Counter(part.actors["templates"][:, 0].tolist()).values()) > 30


def test_a14_moves_every_prompt_four_to_sixteen_bits_from_its_template(
    parts: dict[str, Part],
) -> None:
    part = parts["A14"]
    rows = part.rows[part.rows["template"] != 0]
    own = part.world.cast.actors["templates"][rows["actor"]]
    distance = np.bitwise_count(own ^ rows["template"][:, None]).min(axis=1)
    from_template = distance[distance < 18]
    assert len(from_template) > 0.85 * len(distance)
    assert from_template.max() <= 16
    assert np.quantile(from_template, 0.1) >= 4  # two moves of one bit undo each other, rarely
    assert np.median(from_template) > 7


def test_a15_rests_at_weekends_and_on_many_days(parts: dict[str, Part]) -> None:
    part = parts["A15"]
    weekday = (part.rows["time"] // DAY_MS + 3) % 7
    per_day = np.bincount(weekday, minlength=7)
    assert per_day[5:].mean() < 0.8 * per_day[:5].mean()


def test_a16_grows_out_of_innocent_use(parts: dict[str, Part]) -> None:
    part = parts["A16"]
    guilty = part.rows["guilty"]
    grown = part.daily(part.rows[guilty])[5:13]
    assert grown[-3:].mean() > 1.1 * grown[:3].mean()
    innocent = part.daily(part.rows[~guilty])[5:13]
    assert innocent[-3:].mean() == pytest.approx(innocent[:3].mean(), rel=0.15)


def test_a17_sleeps_and_wakes_in_one_wave(parts: dict[str, Part]) -> None:
    part = parts["A17"]
    wakes = part.world.cast.ground.moment(0.5)
    first: dict[int, int] = {}
    for account, time in zip(
        part.own["account"][part.rows["guilty"]].tolist(),
        part.rows["time"][part.rows["guilty"]].tolist(),
        strict=True,
    ):
        first[account] = min(time, first.get(account, time))
    assert np.mean(np.array(list(first.values())) < wakes + 2 * DAY_MS) > 0.9
    age = (wakes - part.actors["created"]) / DAY_MS
    assert age.min() >= 29
    before = (part.rows["time"] < wakes).sum() / 7
    assert before < 0.1 * (part.rows["time"] >= wakes + DAY_MS).sum() / 6


def test_a18_takes_over_accounts_with_a_history_that_goes_on(parts: dict[str, Part]) -> None:
    part = parts["A18"]
    taken = part.world.cast.ground.moment(0.45)
    guilty = part.rows["guilty"]
    assert part.rows["time"][guilty].min() >= taken
    owners = part.rows["time"][~guilty]
    assert (owners < taken).sum() > 0
    assert (owners >= taken).sum() > 0
    assert len(np.unique(part.actors["account"])) == 120


def test_a20_sits_in_hubs_that_innocent_people_use(parts: dict[str, Part]) -> None:
    part = parts["A20"]
    theirs = np.unique(part.rows["place"][part.rows["place"] > 0])
    people = part.world.cast.actors["places"][: SPEC.accounts]
    assert len(theirs) <= 4
    assert np.isin(theirs, people).all()
    assert part.ip_classes() == {"vpn", "edu"}
