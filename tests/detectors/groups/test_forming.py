"""Groups: who holds a value now, parties enough, and templates that the same accounts use as one."""

from __future__ import annotations

from detectors.groups.book import GroupBook, settled
from detectors.groups.forming import Groups, form
from detectors.interface.key_kinds import ASN, PAYMENT, PREFIX, TEMPLATE
from tests.detectors.groups.scenes import BEGIN, Seen, book_of, hour_of

WORDS = [0x0F0F_0F0F_0F0F_0F0F, 0x3333_CCCC_3333_CCCC, 0x5A5A_A5A5_00FF_FF00]


def groups_of(book: GroupBook) -> Groups:
    """The groups in a book."""
    return form(book.held, settled(book.members.rows, book.hour))


def found(book: GroupBook) -> dict[tuple[int, int], set[int]]:
    """Members, by account, of each group by kind and key."""
    groups = groups_of(book)
    fps = book.members.rows["fp"]
    return {
        (int(groups.kinds[i]), int(groups.keys[i])): set(
            fps[groups.rows[groups.starts[i] : groups.starts[i + 1]]].tolist()
        )
        for i in range(groups.kinds.size)
    }


def test_two_parties_make_a_group_of_a_card_and_three_of_a_place() -> None:
    both = {PAYMENT: 7, PREFIX: 8, ASN: 9}
    assert found(book_of([Seen(1, both), Seen(2, both)])) == {(PAYMENT, 7): {1, 2}}
    three = found(book_of([Seen(n, both) for n in (1, 2, 3)]))
    assert three == {(PAYMENT, 7): {1, 2, 3}, (PREFIX, 8): {1, 2, 3}}  # an AS links nobody


def test_colleagues_are_one_party() -> None:
    members = [Seen(n, {PAYMENT: 7}, org=5) for n in (1, 2, 3)]
    assert not found(book_of(members))
    assert found(book_of([*members, Seen(4, {PAYMENT: 7})])) == {(PAYMENT, 7): {1, 2, 3, 4}}


def test_who_stops_using_a_value_leaves_its_group() -> None:
    book = book_of([Seen(n, {PAYMENT: 7}, requests=1) for n in (1, 2)])
    later = BEGIN + 24 * 14
    book.take([hour_of([Seen(1, {PAYMENT: 7}, requests=1), Seen(3, {PAYMENT: 7})], later)], later)
    assert found(book) == {(PAYMENT, 7): {1, 3}}


def test_templates_of_the_same_accounts_are_one_group() -> None:
    pairs = [Seen(n, {TEMPLATE: (WORDS[0], WORDS[1])}) for n in range(1, 6)]
    book = book_of(pairs)
    groups = groups_of(book)
    assert found(book) == {(TEMPLATE, min(WORDS[:2])): {1, 2, 3, 4, 5}}
    assert groups.buckets.tolist() == [2]
    assert groups.of.tolist() == [2] * 5


def test_a_popular_template_does_not_join_the_few_who_use_it_too() -> None:
    few = [Seen(n, {TEMPLATE: (WORDS[0], WORDS[1])}) for n in range(1, 6)]
    many = [Seen(n, {TEMPLATE: WORDS[1]}) for n in range(10, 60)]
    groups = found(book_of([*few, *many]))
    assert groups[TEMPLATE, WORDS[0]] == {1, 2, 3, 4, 5}
    assert len(groups[TEMPLATE, WORDS[1]]) == 55


def test_nothing_held_makes_no_groups() -> None:
    assert groups_of(book_of([Seen(1, {})])).kinds.size == 0


def test_each_organisation_is_one_party_whichever_comes_first() -> None:
    for orgs in ((1, 2, 2), (2, 2, 1)):
        two = [Seen(n, {PREFIX: 8}, org=org) for n, org in enumerate(orgs)]
        assert not found(book_of(two))
        assert found(book_of([*two, Seen(9, {PREFIX: 8})])) == {(PREFIX, 8): {0, 1, 2, 9}}


def test_an_organisation_as_new_as_its_members_is_no_party() -> None:
    fresh = [Seen(n, {PREFIX: 8}, org=5, age_days=2) for n in range(3)]
    assert found(book_of(fresh)) == {(PREFIX, 8): {0, 1, 2}}
