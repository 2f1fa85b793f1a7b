"""The scoreboard: intervals over seeds, tables that say what was measured, tuning kept from judging."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.judging import split
from benchmarks.judging.contenders import BASELINES, HYDRAWATCH, NAMES, contender
from benchmarks.judging.curves import curves
from benchmarks.judging.intervals import estimate
from benchmarks.judging.plots import draw
from benchmarks.judging.summary import as_json, by_look_alike, by_scenario, solved
from benchmarks.judging.tables import grids, markdown
from benchmarks.judging.trial import Trial, run
from tests.worlds.scoring.stories import alert, hourly, oracle, truth
from worlds.score import score
from worlds.scoring.ledger import read
from worlds.scoring.who import who


def outcome(name: str, seed: int, alerts: list[dict[str, Any]]) -> dict[str, Any]:
    known, events = who(truth()), hourly()
    return {
        "contender": name,
        "preset": "small",
        "seed": seed,
        "events": 1000,
        "events_per_second": 5000.0,
        "peak_mib": None,
        "score": score(truth(), events, alerts).as_json(),
        "curves": curves(known, events, read(alerts)),
    }


def board() -> list[dict[str, Any]]:
    return [
        outcome(HYDRAWATCH, 1, oracle()),
        outcome(HYDRAWATCH, 2, [*oracle(), alert("c0", action="verify")]),
        outcome("never", 1, []),
        outcome("never", 2, []),
    ]


def test_the_interval_is_students() -> None:
    found = estimate([1.0, 2.0, 3.0, 4.0])
    assert found is not None
    # t(0.975, 3) = 3.182446, standard deviation sqrt(5/3)
    assert found.mean == 2.5
    assert found.half == pytest.approx(3.182446 * math.sqrt(5 / 3 / 4), rel=1e-6)
    assert found.seeds == 4


def test_one_seed_has_no_interval_and_none_has_no_estimate() -> None:
    assert estimate([0.5]) == (0.5, None, 1)
    assert estimate([None, 0.5, math.nan]) == (0.5, None, 1)
    assert estimate([None]) is None


def test_tuning_and_judging_share_no_seed_and_held_out_scenarios_leave_some_to_tune_on() -> None:
    assert not set(split.TUNING_SEEDS) & set(split.JUDGING_SEEDS)
    assert {f"A{n}" for n in range(1, 21)} > split.HELD_OUT_ATTACKS
    assert {f"B{n}" for n in range(1, 22)} > split.HELD_OUT_LOOK_ALIKES


def test_a_baseline_runs_with_the_threshold_that_was_chosen_among_its_own() -> None:
    for name, tuned in BASELINES.items():
        assert not tuned.among or tuned.chosen in tuned.among, name
        contender(name)
    with pytest.raises(KeyError):
        contender("nobody")


def test_every_table_has_a_row_or_column_for_each_contender() -> None:
    text = "\n".join(markdown(grid) for grid in grids("small", board()))
    for grid in grids("small", board()):
        sides = {*grid.head, *(row[0] for row in grid.rows)}
        assert {HYDRAWATCH, "never"} <= sides, grid.title
        assert all(len(row) == len(grid.head) for row in grid.rows)
    assert "| hydrawatch | 1.00 ± 0.00 | 1.00 ± 0.00 | 0.000 ± 0.000 |" in text
    assert "| A8 | 1.00 / 0.00 | 0.00 / 1.00 |" in text
    assert "| B7 | 25.0 ± 317.7 | 0.0 ± 0.0 |" in text
    assert "| B21 (grey) |" in text


def test_scenarios_and_look_alikes_stand_in_their_numbers_order() -> None:
    assert list(by_scenario(board())) == ["A1", "A8"]
    assert list(by_look_alike(board(), "throttle")) == ["ordinary", "B7", "B21"]


def test_a_scenario_is_solved_by_who_finds_it_and_hardly_accuses_others() -> None:
    everybody = [alert(account) for account in truth()["accounts"]]
    some = [found for found in oracle() if found["account_id"] in a1_accounts()]
    found = [
        outcome("never", 1, []),
        outcome("all", 1, everybody),
        outcome("exact", 1, oracle()),
        outcome("half", 1, some),
    ]
    assert solved(found) == [("exact", "A1"), ("half", "A1"), ("exact", "A8")]


def a1_accounts() -> set[str]:
    return {a for a, facts in truth()["accounts"].items() if facts["scenario"] == "A1"}


def test_bounds_in_json_stay_within_what_a_share_can_be() -> None:
    found = as_json({"small": board()})["small"][HYDRAWATCH]
    mean, low, high, seeds = found["precision_throttle"]
    assert mean == pytest.approx((1 + 6 / 7) / 2)
    assert low == pytest.approx(mean - 12.7062 / 14, abs=1e-4)
    assert (high, seeds) == (1.0, 2)
    assert found["peak_mib"] is None


def test_curves_end_where_the_score_does() -> None:
    alerts = [alert("h0", hourly().time[0] + 1), alert("p0", hourly().time[0] + 10**8)]
    known, events = who(truth()), hourly()
    drawn = curves(known, events, read(alerts))
    scored = {c.campaign: c for c in score(truth(), events, alerts).campaigns}
    for name, curve in drawn.items():
        assert curve["made"][-1] == 1.0
        assert curve["leaked"][-1] == pytest.approx(scored[name].before_named, abs=1e-5)
    assert sum(drawn["hydra"]["alerts"]) == 1


def test_plots_are_drawn_with_and_without_attacks(tmp_path: Path) -> None:
    files = draw({"small": board()}, tmp_path)
    assert [f.name for f in files] == [
        "small-leaks.png",
        "small-false-positives.png",
        "small-recall-by-share.png",
        "small-recall-by-dilution.png",
    ]
    calm = board()
    for one in calm:
        one["score"]["campaigns"], one["curves"] = [], {}
    assert [f.name for f in draw({"calm": calm}, tmp_path)] == ["calm-false-positives.png"]
    assert len(list(grids("calm", calm))) == 3
    assert set(NAMES) > {HYDRAWATCH}


def test_a_trial_scores_every_contender_on_the_same_world() -> None:
    small = {"scale": 0.1, "days": 2.0}
    alone = run(Trial("quick", 11, (HYDRAWATCH,), overrides=small))
    together = run(Trial("quick", 11, ("never", "union-find"), overrides=small))
    outcomes = [*alone, *together]
    assert [o["contender"] for o in outcomes] == [HYDRAWATCH, "never", "union-find"]
    assert len({(o["events"], o["accounts"]) for o in outcomes}) == 1
    never, linked = (o["score"] for o in together)
    assert never["figures"]["leak_by_account"] == 1.0
    assert [c["requests"] for c in never["campaigns"]] == [
        c["requests"] for c in linked["campaigns"]
    ]
    assert all(c["requests"] > 0 for c in never["campaigns"])
    assert all(json.dumps(o) for o in outcomes)
    assert list(grids("quick", outcomes))


def test_held_out_scenarios_stay_in_the_stream_and_out_of_the_score() -> None:
    small = {"scale": 0.1, "days": 2.0}
    seen, kept = (
        run(Trial("quick", 11, ("never",), without=w, overrides=small))[0]
        for w in ((), ("A1", "B7"))
    )
    assert seen["events"] == kept["events"]
    assert [c["scenario"] for c in seen["score"]["campaigns"]] == ["A1"]
    assert kept["score"]["campaigns"] == ()
    assert set(seen["score"]["harm"]["look_alikes"]) - set(
        kept["score"]["harm"]["look_alikes"]
    ) == {"B7"}


def test_only_worlds_with_somebody_who_adapts_need_a_pass_for_each_baseline() -> None:
    assert Trial("evasive", 1, ()).adapts
    assert not Trial("standard", 1, ()).adapts
