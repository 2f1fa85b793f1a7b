"""A small world with its truth, for alerts to be scored about: who attacked, and when they sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from worlds.scoring.sightings import AttackEvents

START, HOUR, DAY = 1_780_272_000_000, 3_600_000, 86_400_000
DAYS = 10

HYDRA = [f"h{i}" for i in range(4)]
PAIR = ["p0", "p1"]
ORDINARY = [f"o{i}" for i in range(80)]
CLASS = [f"c{i}" for i in range(20)]
SHARING = ["s0"]


def truth(**more: Any) -> dict[str, Any]:
    accounts = {a: said("benign", None) for a in ORDINARY}
    accounts |= {a: said("benign", "B7") for a in CLASS}
    accounts |= {a: said("benign", "B21") for a in SHARING}
    accounts |= {a: said("attack", "A1", "hydra") for a in HYDRA}
    accounts |= {a: said("attack", "A8", "slow") for a in PAIR}
    facts = {
        "version": 1,
        "start_ms": START,
        "end_ms": START + DAYS * DAY,
        "accounts": accounts,
        "campaigns": [campaign("hydra", "A1", HYDRA), campaign("slow", "A8", PAIR)],
        "requests": 1000,
    }
    return facts | more


def said(label: str, scenario: str | None, campaign: str | None = None) -> dict[str, Any]:
    return {"label": label, "scenario": scenario, "kind": "any", "campaign": campaign}


def campaign(name: str, scenario: str, accounts: list[str]) -> dict[str, Any]:
    return {
        "campaign": name,
        "scenario": scenario,
        "accounts": accounts,
        "requests": 10 * len(accounts),
        "first_event": START,
        "last_event": START + 9 * HOUR,
    }


def hourly(accounts: Iterable[str] = (*HYDRA, *PAIR)) -> AttackEvents:
    """Ten events of each account, one an hour from the start on."""
    names = tuple(sorted(accounts))
    account = np.repeat(np.arange(len(names)), 10)
    time = START + np.tile(np.arange(10), len(names)) * HOUR
    return AttackEvents(names, account, time, np.full(len(names), 40))


def alert(account: str, at: int = START, action: str = "throttle", **more: Any) -> dict[str, Any]:
    return {
        "alert_id": f"acc-{account}",
        "revision": 1,
        "kind": "account",
        "account_id": account,
        "campaign_id": None,
        "state": "open",
        "as_of": at,
        "severity": "medium",
        "action": action,
    } | more


def oracle() -> list[dict[str, Any]]:
    return [
        alert(account, START, "suspend", campaign_id=f"camp-{name}")
        for name, accounts in (("h", HYDRA), ("p", PAIR))
        for account in accounts
    ]
