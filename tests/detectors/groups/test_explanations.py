"""Innocent explanations: each holds for what it is about, and not for what is cheap to an operator."""

from __future__ import annotations

import numpy as np

from detectors.groups.book import GroupBook, Picture
from detectors.groups.explanations import explained
from detectors.interface.key_kinds import DEVICE, PAYMENT, PREFIX, REFERRAL, SYSTEM
from tests.detectors.groups.scenes import BEGIN, Seen, hour_of

PROMPT = 5


def picture_of(seen: list[Seen], hosted: float = 0.0) -> Picture:
    """The groups of an hour in which such a share of requests came from hosting addresses."""
    batch = hour_of(seen, BEGIN)
    batch.accounts["hosted"] = (batch.accounts["requests"] * hosted).astype(np.uint32)
    book = GroupBook(1_000, 1_000)
    book.take([batch], BEGIN)
    return book.picture()


def why(seen: list[Seen], hosted: float = 0.0, kind: int = SYSTEM) -> str:
    """What explains the group of a kind."""
    picture = picture_of(seen, hosted)
    (place,) = np.flatnonzero(picture.groups.kinds == kind)
    groups = picture.groups
    rows = groups.rows[groups.starts[place] : groups.starts[place + 1]].astype(np.int64)
    return explained(picture, rows)


def members(count: int = 10, **more: int) -> list[Seen]:
    """Accounts on one prompt."""
    return [Seen(n, {SYSTEM: PROMPT}, **more) for n in range(count)]


def test_strangers_on_one_prompt_are_explained_by_nothing() -> None:
    assert why(members()) == ""


def test_colleagues_of_an_organisation_with_a_past_are_explained() -> None:
    colleagues = [*members(9, org=3), Seen(99, {SYSTEM: PROMPT}), Seen(98, {SYSTEM: PROMPT})]
    assert why(colleagues) == "one organisation with a past"


def test_an_organisation_that_was_made_with_its_members_excuses_nobody() -> None:
    fresh = [*members(9, org=3, age_days=2), Seen(99, {SYSTEM: PROMPT}), Seen(98, {SYSTEM: PROMPT})]
    assert why(fresh) == ""


def test_a_class_in_one_room_is_explained_and_accounts_on_one_server_are_not() -> None:
    room = [Seen(n, {SYSTEM: PROMPT, PREFIX: 70}, age_days=1) for n in range(10)]
    assert why(room) == "one venue"
    assert why(room, hosted=0.9) == ""


def test_who_divide_their_addresses_are_in_no_venue() -> None:
    spread = [Seen(n, {SYSTEM: PROMPT, PREFIX: 70 + n // 2}) for n in range(12)]
    assert why(spread) == ""


def test_people_who_came_by_one_invitation_are_explained() -> None:
    invited = [Seen(n, {SYSTEM: PROMPT, REFERRAL: 8}) for n in range(10)]
    assert why(invited) == "one invitation"
    few = [Seen(n, {SYSTEM: PROMPT, **({REFERRAL: 8} if n < 4 else {})}) for n in range(10)]
    assert why(few) == ""


def test_a_prefix_that_few_use_is_no_venue() -> None:
    exit_of_one_cell = [
        *(Seen(n, {SYSTEM: PROMPT, PREFIX: 70}) for n in range(5)),
        *(Seen(50 + n, {SYSTEM: PROMPT, PREFIX: 90 + n}) for n in range(6)),
    ]
    assert why(exit_of_one_cell) == ""


def test_cards_in_small_cells_are_explained_by_no_room_and_no_invitation() -> None:
    room = [Seen(n, {SYSTEM: PROMPT, PREFIX: 70, PAYMENT: 500 + n // 2}) for n in range(12)]
    assert why(room) == ""
    invited = [Seen(n, {SYSTEM: PROMPT, REFERRAL: 8, DEVICE: 50 + n // 2}) for n in range(12)]
    assert why(invited) == ""


def test_a_fresh_organisation_does_not_make_one_party_of_its_members() -> None:
    fresh = [Seen(n, {SYSTEM: PROMPT}, org=3, age_days=2) for n in range(10)]
    assert why(fresh) == ""
