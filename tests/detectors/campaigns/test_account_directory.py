"""The directory of accounts: organisations that no account is in any more are forgotten."""

from __future__ import annotations

from detectors.campaigns.account_directory import AccountDirectory
from tests.owner_stories import account, names, org


def test_organisations_that_no_account_is_in_any_more_are_forgotten_and_the_others_kept() -> None:
    directory = AccountDirectory(1_000)
    directory.add(names(0, {n: 1 + n for n in range(500)}))
    for batch in range(200):  # ten accounts that are in another organisation each minute
        directory.add(names(0, {n: 10_000 + 10 * batch + n for n in range(10)}))
        assert len(directory.tables()["org_values"]) <= 2 * 500 + 1_000
    for n in range(500):
        name = directory.find(account(n))
        assert name is not None
        assert name.org == org(11_990 + n if n < 10 else 1 + n)
    assert directory.of_organisations(frozenset({org(21), org(11_993)})) == {
        account(20),
        account(3),
    }
    assert directory.of_organisations(frozenset({org(1), org(777)})) == set()
    filled = AccountDirectory(1_000)
    filled.restore({k: v.view("u1") for k, v in directory.tables().items()}, 0)
    assert filled.find(account(20)) == directory.find(account(20))


def test_accounts_that_come_and_go_leave_no_organisation_behind() -> None:
    directory = AccountDirectory(1_000)
    for first in range(0, 20_000, 500):
        directory.add(names(0, {n: 1 + n for n in range(first, first + 500)}))
    assert len(directory) <= 1_000
    assert len(directory.tables()["org_values"]) <= 2 * 1_000 + 1_000
