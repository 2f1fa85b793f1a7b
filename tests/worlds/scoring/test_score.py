"""The scorer is right: about an oracle, silence, everybody named, and words taken back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.worlds.scoring.stories import (
    CLASS,
    DAY,
    DAYS,
    HOUR,
    HYDRA,
    ORDINARY,
    PAIR,
    START,
    alert,
    hourly,
    oracle,
    truth,
)
from worlds.score import Score, score
from worlds.scoring.ledger import read
from worlds.scoring.who import who


def judged(alerts: Iterable[dict[str, Any]], **more: Any) -> Score:
    return score(truth(), hourly(), alerts, **more)


def test_an_oracle_scores_one_and_leaks_nothing() -> None:
    result = judged(oracle())
    figures = result.figures()
    for figure in ("campaign_recall", "account_recall", "purity", "completeness"):
        assert figures[figure] == 1.0, figure
    for action in ("throttle", "verify", "restrict", "suspend"):
        assert result.harm.precision[action] == 1.0
        assert result.harm.false_rate[action] == 0.0
    for figure in ("leak_median", "leak_worst", "leak_by_account", "detect_hours_median"):
        assert figures[figure] == 0.0, figure
    assert figures["ids_per_campaign"] == 1.0
    assert figures["false_campaigns"] == 0.0
    assert figures["retracted_share"] == 0.0


def test_an_empty_file_detects_nothing_and_wrongs_nobody() -> None:
    result = judged([])
    assert (result.named, result.found, result.recall) == (0, 0, 0.0)
    assert result.precision is None
    assert [c.before_alert for c in result.campaigns] == [1.0, 1.0]
    assert result.figures()["leak_by_account"] == 1.0
    assert result.figures()["detect_hours_median"] is None
    assert result.completeness == 0.0
    assert all(rate == 0.0 for rate in result.harm.false_rate.values())


def test_naming_everybody_collapses_precision() -> None:
    everybody = [*ORDINARY, *CLASS, *HYDRA, *PAIR]
    result = judged(alert(a, campaign_id="camp") for a in everybody)
    assert result.recall == 1.0
    assert result.precision == pytest.approx(6 / 106)
    # 100 benign accounts in 10 days
    assert result.harm.false_rate["throttle"] == pytest.approx(1000.0)
    assert result.harm.look_alikes["B7"].rate["throttle"] == pytest.approx(1000.0)
    assert result.purity is not None
    assert result.purity < 0.05


def test_to_observe_names_nobody() -> None:
    assert judged(alert(a, action="observe") for a in [*ORDINARY, *HYDRA]).named == 0


def test_an_alert_later_retracted_still_counts_as_harm_and_earns_nothing() -> None:
    taken_back = {"state": "retracted", "action": "observe", "revision": 2}
    result = judged(
        [
            alert("o1", START),
            alert("o1", START + HOUR, **taken_back),
            alert("h0", START),
            alert("h0", START + 5 * HOUR, **taken_back),
        ]
    )
    assert result.harm.wrong["throttle"] == 1
    assert result.precision == 0.5
    assert result.harm.false_rate["throttle"] == pytest.approx(10.0)
    assert (result.retracted, result.retracted_share) == (2, 1.0)
    assert result.found == 0
    # h0 was held for five of its ten requests; its three siblings never
    assert result.campaigns[0].before_named == pytest.approx(35 / 40)


def test_what_leaked_is_counted_until_the_first_alert_and_until_each_account_is_named() -> None:
    named = [alert("h0", START + 2 * HOUR), alert("h1", START + 5 * HOUR, "verify")]
    hydra = judged(named).campaigns[0]
    assert hydra.before_alert == pytest.approx(2 * 4 / 40)
    assert hydra.before_named == pytest.approx((2 + 5 + 10 + 10) / 40)
    assert hydra.detect_hours == 2.0
    assert hydra.recall == 0.5
    assert hydra.share_of_traffic == pytest.approx(40 / 1000)
    assert hydra.share_of_accounts == pytest.approx(40 / 160)


def test_each_action_stands_for_itself_and_harder_ones() -> None:
    result = judged([alert("h0", action="suspend"), alert("o0", action="verify"), alert("o1")])
    assert result.harm.right == {"throttle": 1, "verify": 1, "restrict": 1, "suspend": 1}
    assert result.harm.wrong == {"throttle": 2, "verify": 1, "restrict": 0, "suspend": 0}


def test_a_rise_is_one_accusation_of_the_harder_action_and_none_of_the_softer() -> None:
    rises = [alert("o0", START), alert("o0", START + DAY, "verify", state="escalated")]
    result = judged(rises)
    assert result.harm.false_rate["throttle"] == pytest.approx(10.0)
    assert result.harm.false_rate["verify"] == pytest.approx(10.0)


def test_a_benign_account_accused_again_on_another_day_is_harmed_again() -> None:
    again = [
        alert("o0", START),
        alert("o0", START + HOUR, "observe", state="resolved", revision=2),
        alert("o0", START + DAY, alert_id="acc-second"),
    ]
    result = judged(again)
    assert result.harm.wrong["throttle"] == 1
    assert result.harm.false_rate["throttle"] == pytest.approx(20.0)


def test_renewals_are_counted_apart() -> None:
    same = {"state": "updated", "campaign_id": "camp"}
    records = [alert("h0", START, campaign_id="camp")]
    records += [alert("h0", START + n * HOUR, revision=n + 1, **same) for n in range(1, 4)]
    records.append(alert("h0", START + 9 * HOUR, "verify", state="escalated", revision=9))
    ledger = read(records)
    assert ledger.renewals == 3
    assert ledger.account_news["h0"] == 2


def test_cost_sharing_is_neither_right_nor_wrong_to_name() -> None:
    result = judged([alert("s0"), alert("h0")])
    assert result.precision == 1.0
    assert result.harm.look_alikes["B21"].named["throttle"] == 1


def test_a_hijacked_account_named_before_the_hijack_is_wronged() -> None:
    facts = truth()
    facts["campaigns"][1]["scenario"] = "A18"
    for account in PAIR:
        facts["accounts"][account]["since"] = START + 5 * HOUR
    early = score(facts, hourly(), [alert("p0", START)])
    assert early.harm.wrong["throttle"] == 1
    before = early.harm.look_alikes["before the hijack"]
    assert (before.accounts, before.named["throttle"]) == (2, 1)
    assert early.campaigns[1].named == 0
    assert early.campaigns[1].before_named == 1.0
    late = score(facts, hourly(), [alert("p0", START + 6 * HOUR)])
    assert late.precision == 1.0
    assert late.campaigns[1].requests == 10
    assert late.campaigns[1].before_named == pytest.approx((1 + 5) / 10)


def test_a_sleeper_may_be_named_before_it_wakes() -> None:
    facts = truth()
    for account in PAIR:
        facts["accounts"][account]["since"] = START + 5 * HOUR
    result = score(facts, hourly(), [alert("p0", START)])
    assert result.precision == 1.0
    assert result.campaigns[1].before_alert == 0.0


def test_an_account_that_the_truth_does_not_know_is_wronged() -> None:
    result = judged([alert("nobody"), alert("h0")])
    assert result.precision == 0.5
    assert result.harm.look_alikes["not in the truth"].named["throttle"] == 1


def test_held_out_scenarios_are_judged_neither_way() -> None:
    result = judged([alert("c0"), alert("p0"), alert("o0")], without={"A8", "B7"})
    assert [c.scenario for c in result.campaigns] == ["A1"]
    assert result.named == 1
    assert result.benign == len(ORDINARY)
    assert "B7" not in result.harm.look_alikes


def test_a_campaign_without_an_attacker_is_a_false_one() -> None:
    result = judged([alert("o0", campaign_id="x"), alert("o1", campaign_id="x"), *oracle()])
    weeks, accounts = DAYS / 7, len(ORDINARY) + len(CLASS)
    assert result.false_campaigns == pytest.approx(1 / weeks * 50_000 / accounts)


def test_truth_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        who({"version": 2})


def test_merged_campaigns_count_as_the_one_they_became() -> None:
    merger = {
        "alert_id": "net-y",
        "kind": "network",
        "campaign_id": "y",
        "merged_into": "x",
        "state": "resolved",
        "as_of": START + HOUR,
        "action": "observe",
    }
    halves = [alert(a, campaign_id="x" if a in HYDRA[:2] else "y") for a in HYDRA]
    assert judged(halves).completeness == pytest.approx((4 * 0.5 + 0) / 6)
    assert judged([*halves, merger]).completeness == pytest.approx(4 / 6)
    assert judged([*halves, merger]).campaigns[0].ids == 2
