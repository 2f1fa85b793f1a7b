"""Cells: cards and devices that divide a suspicious group; a company's one card divides nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from detectors.groups.book import settled
from detectors.groups.forming import form
from detectors.groups.neighbours import LEAST_RATE, Cell, binomial_surprise, cells
from detectors.interface.key_kinds import PAYMENT, SYSTEM, TEMPLATE
from tests.detectors.groups.scenes import Seen, book_of

WORD = 0x0F0F_0F0F_0F0F_0F0F


def found(seen: list[Seen], odds: float, kind: int = TEMPLATE, active: int = 10_000) -> list[Cell]:
    """The cells where every group of a kind has such odds and no other has any."""
    book = book_of(seen)
    groups = form(book.held, settled(book.members.rows, book.hour))
    features = book.picture().features
    return cells(groups, np.where(groups.kinds == kind, odds, np.nan), 2.0, active, features)


def hydra(cards: int, each: int) -> list[Seen]:
    """Accounts on one template, so many a card."""
    return [Seen(n, {TEMPLATE: WORD, PAYMENT: 500 + n // each}) for n in range(cards * each)]


def test_cards_within_one_content_are_cells() -> None:
    told = found(hydra(4, 3), odds=5.0)
    assert [cell.guilty for cell in told] == [3, 3, 3, 3]
    assert min(cell.surprise for cell in told) > 10


def test_a_company_with_one_card_is_none() -> None:
    assert not found([Seen(n, {TEMPLATE: WORD, PAYMENT: 500}) for n in range(12)], odds=5.0)


def test_half_of_a_group_on_one_card_is_a_cell_and_more_is_not() -> None:
    def seats(count: int) -> list[Seen]:
        others = [Seen(100 + n, {TEMPLATE: WORD, PAYMENT: 900 + n}) for n in range(10 - count)]
        return [*(Seen(n, {TEMPLATE: WORD, PAYMENT: 500}) for n in range(count)), *others]

    assert len(found(seats(5), odds=5.0)) == 1
    assert not found(seats(6), odds=5.0)


def test_a_card_of_many_strangers_is_not_the_few_members_who_have_it_too() -> None:
    strangers = [Seen(100 + n, {PAYMENT: 500}) for n in range(9)]
    told = found([*hydra(4, 3), *strangers], odds=5.0)
    assert [cell.guilty for cell in told] == [3, 3, 3]


def test_content_that_is_not_suspicious_has_no_cells() -> None:
    assert not found(hydra(4, 3), odds=1.0)
    assert not found(hydra(4, 3), odds=math.nan)


def test_the_less_certain_the_groups_the_less_their_cells_say() -> None:
    doubtful = found(hydra(20, 3), odds=2.0, active=100)
    sure = found(hydra(20, 3), odds=12.0, active=100)
    assert doubtful[0].surprise < sure[0].surprise
    assert sure[0].expected == pytest.approx(3 * LEAST_RATE)


def test_a_system_prompt_is_content_too() -> None:
    members = [Seen(n, {SYSTEM: 5, PAYMENT: 500 + n // 2}) for n in range(8)]
    assert len(found(members, odds=4.0, kind=SYSTEM)) == 4


def test_the_tail_is_the_binomials() -> None:
    exact = sum(math.comb(5, k) * 0.1**k * 0.9 ** (5 - k) for k in range(3, 6))
    assert binomial_surprise(3, 5, 0.1) == pytest.approx(-math.log(exact))
    assert binomial_surprise(0, 5, 0.1) == 0.0


def test_who_uses_a_campaigns_prompt_in_another_way_is_in_no_cell() -> None:
    campaign = [
        Seen(n, {TEMPLATE: WORD, PAYMENT: 500 + n // 3}, age_days=1 + n % 3, requests=40)
        for n in range(12)
    ]
    couple = [
        Seen(90 + n, {TEMPLATE: WORD, PAYMENT: 900}, age_days=900, requests=3) for n in (0, 1)
    ]
    strangers = [Seen(200 + n, {}, age_days=300 + n, requests=3 + n % 9) for n in range(300)]
    told = found([*campaign, *couple, *strangers], odds=5.0)
    assert [cell.guilty for cell in told] == [3, 3, 3, 3]
