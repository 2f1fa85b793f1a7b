"""No single field gives an attack away: a classifier trained on one field alone finds too many others.

Half of the accounts train a histogram classifier (`tests/worlds/field_classifier.py`), the other half are
scored, and the other way round. An area under the ROC curve of 0.5 says nothing, 1 separates. The
bound is 0.9, for all attacks together and for each campaign against all innocent accounts; and
wherever a field finds half of a campaign it must name at least as many innocent accounts. What
identifiers say lies in how many accounts share them: that is tested likewise.

APART names the fields in which an attack is what its definition says. They may tell more than the
bound; an exception that is far from needed fails too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.worlds.field_classifier import area, told_by
from tests.worlds.fields import CODES, COUNTED, ENOUGH, IDENTIFIERS, NUMBERS, Fields, fields

BOUND, PRECISION = 0.9, 0.5
NEARLY = 0.85  # an exception below it is none
FEWEST = 10  # accounts of a campaign from which half may learn and half be judged
APART = {
    ("A2", "share of model 4"): "half of the traffic moves to the new model within a day",
    ("A4", "mean grading"): "it draws out rubric grading",
    ("A4", "share of capability 6"): "the same",
    ("A5", "share of language"): "at least ten languages, in every account",
    ("A10", "mean age"): "all accounts are born within three days, in the world",
    ("A14", "distinct template per request"): "every prompt lies elsewhere near its template",
    ("A17", "mean age"): "all accounts were aged for 30 to 90 days",
}
TEMPLATES = "extraction works through many prompts of few templates: of A13 nothing else is left"
SHARING_APART = {
    ("", "template"): TEMPLATES,
    ("A13", "prefix"): "a line for each account, that nobody else has",
    ("A14", "prefix"): "the same",
    ("A14", "payment"): "cards are what joins its accounts",
    ("A20", "prefix"): "it sits in hubs",
}


@pytest.fixture(scope="module", params=["standard", "evasive"])
def seen(request: pytest.FixtureRequest) -> Fields:
    return fields(request.param)


def excepted(code: str, name: str, among: dict[tuple[str, str], str]) -> bool:
    return any(one in ("", code) and said in name for one, said in among)


def campaigns(seen: Fields, of: Any) -> Iterator[tuple[str, Any, Any]]:
    """Code, the accounts or events to look at, and which of them are the campaign's."""
    for number, code in enumerate(seen.codes):
        if number and (of == number).sum() >= FEWEST:
            keep = (of == number) | (of == 0)
            yield code, keep, of[keep] == number


def by_event(seen: Fields) -> Iterator[tuple[str, Any]]:
    for name in (*NUMBERS, *CODES, *(f"has {name}" for name in IDENTIFIERS)):
        yield name, seen.columns[name]


def test_the_classifier_separates_what_can_be_separated(seen: Fields) -> None:
    account, attack = seen.judged
    told = (attack > 0) + np.random.default_rng(1).normal(0, 0.2, len(attack))
    assert told_by(told, attack > 0, account % 2 == 0)[0] > 0.95
    once = np.random.default_rng(2).normal(0, 1, len(attack))
    assert told_by(once, attack > 0, account % 2 == 0)[0] < 0.6


def test_no_field_of_one_event_tells_attack_from_innocent(seen: Fields) -> None:
    some = np.random.default_rng(5).random(len(seen.account)) < 0.06
    innocent = seen.attack == 0
    telling = {}
    for name, column in by_event(seen):
        values, label = column[some], seen.guilty[some]
        found = told_by(values, label, seen.account[some] % 2 == 0)
        if found[0] > BOUND or found[1] > PRECISION:
            telling[name] = found
    assert innocent.any()
    assert not telling


def test_no_mean_of_an_account_tells_attack_from_innocent(seen: Fields) -> None:
    account, attack = seen.judged
    assert len(seen.by_account) > 100
    found = {n: told_by(v, attack > 0, account % 2 == 0) for n, v in seen.by_account.items()}
    assert not {name: f for name, f in found.items() if f[0] > BOUND or f[1] > PRECISION}


def test_no_mean_of_an_account_tells_one_attack_from_innocent(seen: Fields) -> None:
    account, attack = seen.judged
    found = {
        (code, name): told_by(values[keep], theirs, account[keep] % 2 == 0)
        for code, keep, theirs in campaigns(seen, attack)
        for name, values in seen.by_account.items()
        if values.min() < values.max()
    }
    assert len({code for code, _ in found}) >= 8
    assert not {k: f for k, f in found.items() if f[1] > PRECISION}
    telling = {k: round(f[0], 3) for k, f in found.items() if f[0] > BOUND}
    assert not {k: a for k, a in telling.items() if not excepted(*k, APART)}
    codes = {code for code, _ in found}
    idle = [
        (code, said)
        for code, said in APART
        if code in codes
        and not any(c == code and said in n and f[0] > NEARLY for (c, n), f in found.items())
    ]
    assert not idle


def test_no_field_of_one_event_tells_one_attack_from_innocent(seen: Fields) -> None:
    some = np.random.default_rng(6).random(len(seen.account)) < 0.06
    some &= (seen.attack == 0) | seen.guilty
    account, attack = seen.account[some], seen.attack[some]
    telling = {}
    for name, column in by_event(seen):
        for code, keep, theirs in campaigns(seen, attack):
            values = column[some][keep]
            found = told_by(values, theirs, account[keep] % 2 == 0)
            if found[0] > BOUND or found[1] > PRECISION:
                telling[code, name] = found
    assert not {k: f for k, f in telling.items() if not excepted(k[0], f"mean {k[1]}", APART)}


def holders(seen: Fields, name: str) -> Iterator[tuple[str, str, tuple[float, float]]]:
    attack = np.zeros(len(seen.people), dtype=np.int64)
    attack[np.searchsorted(seen.people, seen.account)] = seen.attack
    for said, values in seen.holders(name):
        for code, keep, theirs in campaigns(seen, attack):
            half = seen.people[keep] % 2 == 0
            yield code, said, told_by(values[keep], theirs, half)


@pytest.mark.parametrize("name", COUNTED)
def test_how_many_accounts_hold_a_value_does_not_tell_one_attack(seen: Fields, name: str) -> None:
    found = list(holders(seen, name))
    assert len(found) > 30
    assert not [(code, said, f) for code, said, f in found if f[1] > PRECISION]
    assert not [
        (code, said, f)
        for code, said, f in found
        if f[0] > BOUND and not excepted(code, said, SHARING_APART)
    ]


@pytest.mark.parametrize("name", ["payment", "device", "prefix", "system", "referral"])
def test_a_value_that_a_few_accounts_share_does_not_tell_attack_from_innocent(
    seen: Fields, name: str
) -> None:
    few = dict(seen.holders(name))[f"{name} held by 2 to 6"]
    label = np.zeros(len(seen.people), dtype=np.bool_)
    label[np.searchsorted(seen.people, seen.account[seen.attack > 0])] = True
    assert few[~label].mean() > 0.02
    assert area(few, label) < 0.75


def test_only_accounts_with_some_events_are_judged_by_their_means(seen: Fields) -> None:
    account, _ = seen.judged
    assert np.bincount(seen.account)[account].min() >= ENOUGH
