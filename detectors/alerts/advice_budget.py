"""How much new advice may go out in an hour: a flood of it is more likely our fault than an attack.

What counts is a revision of an account's alert that advises a graver action than the one before;
renewals and steps down are free, and a network's action follows its members'. Hours are of event
time and accounts come in canonical order, so that a replay spends the budget on the same alerts.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from detectors.alerts.lifecycle import Lifecycle
from detectors.contract.alert import ACTIONS
from detectors.interface.clock import HOUR_TICKS


class Spent(msgspec.Struct, frozen=True):
    """In the hour of event time `hour`: advice given; and alerts ever capped, for metrics."""

    hour: int = -1
    used: int = 0
    capped: int = 0


class Advice(NamedTuple):
    """How the budget stands: new advice that the hour still allows, and alerts ever capped."""

    left: int
    capped: int


class AdviceBudget:
    """The hour's budget: ask with `left`, then `spend` or `cap`."""

    def __init__(self, rules: Lifecycle) -> None:
        self._rules = rules
        self.spent = Spent()

    def limit(self, accounts: int) -> int:
        """Pieces of new advice an hour, where `accounts` are known."""
        share = int(self._rules.advice_budget_share * accounts)
        return max(self._rules.advice_budget_per_hour, share)

    def left(self, tick: int, accounts: int) -> int:
        """How many more may go out in this tick's hour."""
        used = self.spent.used if self.spent.hour == tick // HOUR_TICKS else 0
        return max(0, self.limit(accounts) - used)

    def spend(self, tick: int) -> None:
        """One piece of new advice goes out."""
        hour = tick // HOUR_TICKS
        used = self.spent.used if self.spent.hour == hour else 0
        self.spent = Spent(hour, used + 1, self.spent.capped)

    def cap(self) -> None:
        """One alert stays below what its evidence allows, for now."""
        self.spent = msgspec.structs.replace(self.spent, capped=self.spent.capped + 1)


def next_hour(tick: int) -> int:
    """The first tick of the next hour, when there is a budget again."""
    return (tick // HOUR_TICKS + 1) * HOUR_TICKS


def note(action: int) -> str:
    """What a capped alert says of itself."""
    return f"the budget of advice for this hour is spent; without it {ACTIONS[action]} was due"
