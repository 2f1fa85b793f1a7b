"""Crowds on one value: of a card they hide nobody, and what anybody can copy locks nobody out."""

from __future__ import annotations

from typing import Any

import pytest

from detectors.config import load_config
from detectors.contract.alert import Alert
from detectors.engine import Engine
from tests.stage_stories import DAY, HOUR, KEY, MINUTE, START, decoded, request

RANK = ("observe", "throttle", "verify", "restrict", "suspend")
CARD = {"payment_fp": "k1:card", "device_fp": "k1:device"}
PUBLIC = {
    "referral_fp": "k1:code",
    "system_fp": "k1:starter-kit",
    "template_fp": "9f3c00d1a2b4e6f8",
    "ip_prefix_fp": "k1:exit",
    "ip_class": "hosting",
}


def told(*batches: list[dict[str, Any]]) -> list[Alert]:
    """What is told of these requests, among a hundred customers of long standing, an hour after them."""
    engine = Engine(load_config("[engine]\npartitions = 1\n"), KEY)
    customers = [
        request(n, START + n * 60, f"customer-{n % 100}", account_created_at=START - 900 * DAY)
        for n in range(1_000)
    ]
    alerts = []
    for batch in (customers, *batches):
        batch.sort(key=lambda event: event["event_time"])
        alerts += engine.feed(decoded(batch))
    return alerts + engine.drain()


def joining(count: int, at: int, values: dict[str, str], who: str = "new") -> list[dict[str, Any]]:
    """Accounts made today, all within a minute, a few requests each."""
    return [
        request(
            1_000_000 + 1_000 * n + k, at + n * MINUTE // count + k, f"{who}-{n}",
            account_created_at=START - HOUR, **values,
        )
        for n in range(count)
        for k in range(3)
    ]  # fmt: skip


def advised(alerts: list[Alert], who: str = "new") -> dict[str, str]:
    """The last advice of each account that is called so."""
    return {
        alert.account_id: alert.action
        for alert in alerts
        if alert.account_id and alert.account_id.startswith(who)
    }


def test_accounts_that_join_a_card_free_nobody_who_was_named_on_it() -> None:
    first = joining(40, START + HOUR, CARD | PUBLIC)
    before = advised(told(first))
    assert set(before.values()) == {"suspend"}
    after = advised(told(first, joining(700, START + 3 * HOUR, CARD, "more")))
    assert {
        who: RANK.index(after[who]) >= RANK.index(action) for who, action in before.items()
    } == (dict.fromkeys(before, True))


@pytest.mark.parametrize("count", [513, 1_500])
def test_a_crowd_that_signs_up_on_one_card_within_a_minute_is_named(count: int) -> None:
    found = advised(told(joining(count, START + HOUR, CARD | PUBLIC)))
    assert len(found) == count
    assert {RANK.index(action) >= RANK.index("verify") for action in found.values()} == {True}


def test_who_shares_what_anybody_can_copy_is_watched_at_most() -> None:
    crowd = joining(440, START + HOUR, PUBLIC)
    framed = joining(30, START + 2 * HOUR, PUBLIC, "framed")
    found = advised(told(crowd, framed), "framed")
    assert set(found.values()) <= {"observe"}
