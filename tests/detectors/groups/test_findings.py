"""What is told of groups: who is named, what explains them, and nothing twice without news."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from detectors.exchange.findings import KeyFinding
from detectors.groups.book import GroupBook
from detectors.groups.findings import GroupWatch
from detectors.groups.reports import AGAIN_HOURS
from detectors.interface.detector import Card, Evidence, Scores, Windows
from detectors.interface.detector import Seen as SeenWindow
from detectors.interface.key_kinds import KINDS, PAYMENT, PREFIX, SYSTEM
from tests.detectors.groups.scenes import BEGIN, Seen, hour_of, spelt

PROMPT, CARD = 5, 500


@dataclass(frozen=True, slots=True)
class Everything:
    """Calls every group of three members or more odd; observed is how many there are."""

    @property
    def card(self) -> Card:
        return Card("everything", 1, "group", None, "hour", ("members",), 0, 16, ())

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype([])

    def observe_columns(self, memory: np.ndarray, windows: Windows) -> Scores:
        members = np.exp2(windows.values["members"]).round()
        silent = Scores.silent(members.size)
        return silent._replace(
            odd=members >= 3, surprise=members + 8.0, observed=members, expected=members * 0.0
        )

    def again(self, memory: np.ndarray, windows: Windows, place: int) -> None: ...

    def evidence(self, seen: SeenWindow) -> Evidence:
        return Evidence(
            "everything.v1", KINDS[seen.kind].family, "members", seen.observed, 0.0, "accounts",
            seen.surprise, seen.end - 1, seen.end,
        )  # fmt: skip


class Owner:
    """A book and a watch, as the owner has them."""

    def __init__(self) -> None:
        self.book = GroupBook(1_000, 1_000)
        self.watch = GroupWatch((Everything(),), member_cap=4)
        self.hour = BEGIN - 1

    def hear(self, seen: list[Seen], hours: int = 1) -> list[KeyFinding]:
        """An hour of accounts, so many hours after the last."""
        self.hour += hours
        tick = (self.hour + 1) * 60 - 1
        names = [spelt({(SYSTEM, PROMPT): "prompt-5", (PAYMENT, CARD): "card-500"})]
        return self.watch.hear(self.book, names, [hour_of(seen, self.hour)], tick)


def users(count: int = 6, **more: int) -> list[Seen]:
    """Accounts on one prompt."""
    return [Seen(n + 1, {SYSTEM: PROMPT}, **more) for n in range(count)]


def test_a_group_is_told_by_its_values_name_with_who_is_in_it() -> None:
    (found,) = Owner().hear(users())
    assert (found.kind, found.key, found.value_fp) == (SYSTEM, PROMPT, "prompt-5")
    assert found.members == (1, 2, 3, 4, 5, 6)
    assert found.accounts == 6
    assert found.requests == 60


def test_who_came_first_stands_before_the_others() -> None:
    owner = Owner()
    owner.hear(users()[3:])
    (found,) = owner.hear(users())
    assert found.members == (4, 5, 6, 1, 2, 3)


def test_who_uses_a_value_a_little_is_not_named() -> None:
    aside = Seen(9, {SYSTEM: PROMPT, PREFIX: 77}, requests=10)
    batch = hour_of([*users(), aside], BEGIN)
    batch.accounts["requests"][6] = 100  # of which a tenth with the prompt
    owner = Owner()
    (found,) = owner.watch.hear(owner.book, [], [batch], (BEGIN + 1) * 60 - 1)
    assert 9 not in found.members
    assert found.accounts == 7


def test_nothing_is_told_twice_without_news_but_before_it_goes_stale() -> None:
    owner = Owner()
    assert owner.hear(users())
    assert not owner.hear(users())
    assert owner.hear([*users(), Seen(50, {SYSTEM: PROMPT})])
    everyone = [*users(), Seen(50, {SYSTEM: PROMPT})]
    assert not owner.hear(everyone)
    assert owner.hear(everyone, hours=AGAIN_HOURS)


def test_what_was_told_is_known_after_a_restart() -> None:
    owner, after = Owner(), Owner()
    owner.hear(users())
    tables = owner.book.tables() | owner.watch.reports.tables()
    kept = {name: np.ascontiguousarray(rows).view(np.uint8) for name, rows in tables.items()}
    after.book.restore(kept)
    after.watch.reports.restore(kept)
    after.hour = owner.hour
    assert not after.hear(users())


def test_an_explained_group_is_not_told_but_for_its_card() -> None:
    room = [Seen(n + 1, {SYSTEM: PROMPT, PREFIX: 70, PAYMENT: CARD}) for n in range(10)]
    owner = Owner()
    found = owner.hear(room)
    assert {f.kind for f in found} == {PAYMENT}
    assert owner.watch.explained == 2  # the prompt's users and the prefix's


def test_more_are_listed_than_the_cap_by_as_much_as_of_other_odd_values() -> None:
    (found,) = Owner().hear(users(40))
    assert len(found.members) == 32  # eight times the cap; all count
    assert found.accounts == 40
