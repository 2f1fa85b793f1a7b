"""How well alerts name a world's campaigns: precision, recall, time to detect. Reads, decides nothing.

Only account alerts count, and only those that advise more than to observe: an enforcement service
would act on no others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from worlds.vocabulary import HYDRA, LABELS
from worlds.world import World

OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class Score:
    """What the alerts are worth. Times are event time in ms; shares are of the campaigns' requests.

    `detect_ms` is from the campaigns' first request to the first alert that names one of their
    accounts (None: never). `before_first`: requests made before that alert. `before_named`:
    requests that an account made before it was named itself, or in all if it never was.
    """

    named: int
    right: int
    hydra: int
    wrong: dict[str, int] = field(default_factory=dict)
    detect_ms: int | None = None
    before_first: float = 1.0
    before_named: float = 1.0

    @property
    def precision(self) -> float | None:
        """The share of named accounts that are a campaign's; None where nobody was named."""
        return self.right / self.named if self.named else None

    @property
    def recall(self) -> float | None:
        """The share of campaigns' accounts that were named; None in a world without a campaign."""
        return self.right / self.hydra if self.hydra else None


def score(world: World, alerts: Iterable[Mapping[str, Any]]) -> Score:
    """Score alert records (as parsed JSON, in any order) against what the world knows."""
    labels: dict[str, str] = world.truth()["accounts"]
    first = named(alerts)
    guilty = LABELS[HYDRA]
    right = {account for account in first if labels.get(account) == guilty}
    wrong = Counter(labels.get(account, "unknown") for account in first if account not in right)
    detected = min((first[account] for account in right), default=None)
    began, before_first, before_named = _before(world, list(labels), first, detected)
    return Score(
        named=len(first),
        right=len(right),
        hydra=sum(label == guilty for label in labels.values()),
        wrong=dict(sorted(wrong.items())),
        detect_ms=None if detected is None or began is None else detected - began,
        before_first=before_first,
        before_named=before_named,
    )


def named(alerts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Accounts on which an alert advised to act, with the event time of the first such alert."""
    first: dict[str, int] = {}
    for alert in alerts:
        if alert.get("kind") == "account" and alert.get("action") != OBSERVE:
            account, as_of = str(alert["account_id"]), int(alert["as_of"])
            first[account] = min(as_of, first.get(account, as_of))
    return first


def _before(
    world: World, ids: list[str], first: Mapping[str, int], detected: int | None
) -> tuple[int | None, float, float]:
    """First campaign request, and shares of requests before the first alert and before each own."""
    records = world.records
    _, once = np.unique(records.event, return_index=True)
    account, time = records.account[once], records.time[once]
    theirs = world.accounts.campaign[account] >= 0
    account, time = account[theirs], time[theirs]
    if not len(time):
        return None, 1.0, 1.0
    never = int(time.max()) + 1
    own = np.array([first.get(name, never) for name in ids], dtype=np.int64)
    until = never if detected is None else detected
    return int(time.min()), float((time < until).mean()), float((time < own[account]).mean())
