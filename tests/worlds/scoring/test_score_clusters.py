"""B-cubed purity and completeness of clusters are what one reckons by hand."""

from __future__ import annotations

import pytest

from worlds.scoring.bcubed import b_cubed


def test_b_cubed_of_a_split_campaign_is_pure_and_half_complete() -> None:
    campaigns = dict.fromkeys("abcd", "one")
    assert b_cubed({"a": "x", "b": "x", "c": "y", "d": "y"}, campaigns) == (1.0, 0.5)


def test_b_cubed_of_two_campaigns_in_one_is_complete_and_half_pure() -> None:
    campaigns = {"a": "one", "b": "one", "c": "two", "d": "two"}
    assert b_cubed(dict.fromkeys("abcd", "x"), campaigns) == (0.5, 1.0)


def test_b_cubed_counts_a_benign_account_as_impure_for_itself_and_the_others() -> None:
    # three attackers with purity 3/4 each, and a benign account with none
    assert b_cubed(dict.fromkeys("abcz", "x"), dict.fromkeys("abc", "one")) == (9 / 16, 1.0)


def test_b_cubed_of_unequal_clusters_weighs_accounts_not_clusters() -> None:
    campaigns = dict.fromkeys("abc", "one") | {"d": "two"}
    purity, completeness = b_cubed({"a": "x", "b": "x", "c": "y", "d": "y"}, campaigns)
    assert purity == pytest.approx((1 + 1 + 0.5 + 0.5) / 4)
    assert completeness == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)


def test_b_cubed_of_those_who_stand_alone_or_were_put_nowhere() -> None:
    campaigns = dict.fromkeys("abcd", "one")
    assert b_cubed({"a": None, "b": None}, campaigns) == (1.0, 2 * 0.25 / 4)
    assert b_cubed({}, campaigns) == (None, 0.0)
    assert b_cubed({}, {}) == (None, None)
