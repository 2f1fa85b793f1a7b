"""Drift: an account, or all on a model, comes to be used otherwise than before, and stays so.

Three things that extraction changes and growth does not are followed from day to day: how much comes
out per token that goes in, how evenly prompts fall on templates, and how evenly on capabilities. Each
day is held against an exponentially weighted past of its own, in spreads, and Page-Hinkley's test adds
up what lies beyond; one odd day is no drift.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from detectors.drift_course import (
    FOLLOWED,
    Memory,
    Thresholds,
    dumped,
    follow_day,
    fresh_memory,
    restored,
)
from detectors.interface.detector import Card, Context, Entity, Evidence, Window
from detectors.interface.tunable import on_trial, tunable

# The thresholds of both, each with its reason; a section of `detectors.toml` each.
_HALF_LIFE_DAYS = tunable(
    14.0, "two weeks of its own say what is usual; a slow change is learned", low=2, high=120
)
_MIN_DAYS = tunable(7, "a week: before that nothing is known to depart from", low=3, high=60)
_MIN_REQUESTS = tunable(
    50, "a day with fewer requests says little of how they are spread", low=1, high=100_000
)
_ALLOWANCE_SPREADS = tunable(
    0.5, "what a day may lie beyond the past before it adds up: half a spread", low=0.1, high=3
)
_CLIP_SPREADS = tunable(
    3.0, "one wild day counts as so many spreads: drift takes 3 days or more", low=1, high=20
)
_MIN_SURPRISE = tunable(
    8.0, "one window in 3,000 of steady use; thousands are followed", low=1, high=100
)


@dataclass(frozen=True, slots=True)
class AccountDrift:
    """Section [drift]: a lasting change in how an account is used, against its own past.

    Reads the day's requests, tokens out per token in, and entropies of templates and capabilities, of the
    busiest accounts. Keeps, for each of the three, weighted means of value and square, a Page-Hinkley
    test and the last 14 days. Fails on accounts that are new or quiet, on those that change slower than
    the past is forgotten, and calls a customer odd who builds another product. Source: Page 1954;
    Siegmund 1985; River's PageHinkley and EWMean.
    """

    half_life_days: float = _HALF_LIFE_DAYS
    min_days: int = _MIN_DAYS
    min_requests: int = _MIN_REQUESTS
    allowance_spreads: float = _ALLOWANCE_SPREADS
    clip_spreads: float = _CLIP_SPREADS
    min_surprise: float = _MIN_SURPRISE
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return _card(self, "drift", "account", active=1_000)

    def fresh(self) -> Memory:
        """Memory of an entity never seen before."""
        return fresh_memory(self)

    def observe(
        self, memory: Memory, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Follow each thing a day further; tell what has drifted."""
        return follow_day(self, memory, window, self.card.tag)

    def dump(self, memory: Memory) -> list[Any]:
        """The memory as plain data."""
        return dumped(memory)

    def restore(self, plain: Any) -> Memory | None:
        """The memory a dump stands for; None (start fresh) if it cannot be told."""
        return restored(self, plain)


@dataclass(frozen=True, slots=True)
class ModelDrift:
    """Section [model_drift]: a lasting change in how all accounts together use a model.

    Reads, keeps and fails as `AccountDrift`, of models. What it finds names nobody: it speaks against the
    same drift of accounts on that model, and operations are told. Source: as there.
    """

    half_life_days: float = _HALF_LIFE_DAYS
    min_days: int = _MIN_DAYS
    min_requests: int = _MIN_REQUESTS
    allowance_spreads: float = _ALLOWANCE_SPREADS
    clip_spreads: float = _CLIP_SPREADS
    min_surprise: float = _MIN_SURPRISE
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return _card(self, "model_drift", "model", active=64)

    def fresh(self) -> Memory:
        """Memory of an entity never seen before."""
        return fresh_memory(self)

    def observe(
        self, memory: Memory, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Follow each thing a day further; tell what has drifted."""
        return follow_day(self, memory, window, self.card.tag)

    def dump(self, memory: Memory) -> list[Any]:
        """The memory as plain data."""
        return dumped(memory)

    def restore(self, plain: Any) -> Memory | None:
        """The memory a dump stands for; None (start fresh) if it cannot be told."""
        return restored(self, plain)


def _card(rules: Thresholds, name: str, entity: Entity, active: int) -> Card:
    return Card(
        name=name,
        version=1,
        entity=entity,
        family="drift",
        window="day",
        reads=("day_requests", *(followed.feature for followed in FOLLOWED)),
        min_windows=rules.min_days,
        max_bytes=3_600,
        references=(
            "E. S. Page, Continuous inspection schemes, Biometrika 41, 1954",
            "D. Siegmund, Sequential Analysis, 1985, section 2.6 (tail of a reflected sum)",
        ),
        active=active,
        least=rules.min_requests,
    )
