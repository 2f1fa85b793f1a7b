"""What each attack is known by: one property of the one idea in its file."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.worlds.parts import SPEC, Part, holders, parts_of_the_world
from worlds.clock import DAY_MS, HOUR_MS, MINUTE_MS
from worlds.vocabulary import CLIENTS
from worlds.write import api_keys_of


@pytest.fixture(scope="module")
def parts() -> dict[str, Part]:
    return parts_of_the_world()


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
    assert np.quantile(from_template, 0.999) <= 16  # what follows no template is near by chance
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
    known = part.rows["place"][part.rows["place"] > 0]
    hubs = np.unique(part.actors["places"][:, :2])
    people = part.world.cast.actors["places"][: SPEC.accounts]
    assert len(hubs) <= 4
    assert np.isin(hubs, people).all()
    assert 0.4 < np.mean(np.isin(known, hubs)) < 0.8
    assert (
        max(
            holders(
                known[~np.isin(known, hubs)],
                part.own["account"][part.rows["place"] > 0][~np.isin(known, hubs)],
            )
        )
        < 20
    )
    assert part.ip_classes() == {"vpn", "edu", "residential"}


def test_a12_uses_one_key_and_b20_another_one_after_its_rotation(parts: dict[str, Part]) -> None:
    cast = parts["A12"].world.cast
    keys = api_keys_of(cast.actors, cast.names)

    def of(code: str) -> Any:
        return keys[parts[code].begin :][: len(parts[code].actors)]

    assert len(np.unique(of("A12"))) == 1
    assert of("A12")[0] != 0
    before, after = (of("B20")[parts["B20"].actors["epoch"] == epoch] for epoch in (1, 2))
    used = before != 0
    assert used.any()
    assert (used == (after != 0)).all()
    assert not np.isin(before[used], after[used]).any()
    assert len(np.unique(keys[keys != 0])) > 0.2 * len(cast.names)
