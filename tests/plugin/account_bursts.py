"""A detector as another package would bring it: see docs/detectors.md."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hydrawatch.detectors import (
    Card,
    Context,
    Evidence,
    WeightedPast,
    Window,
    on_trial,
    student_surprise,
    tunable,
)


@dataclass(frozen=True, slots=True)
class Bursts:
    """Section [bursts]: an hour in which an account draws far more than in its other hours.

    Reads the hour's tokens out. Keeps a weighted mean and variance of their logarithm (River's weighted
    means). Fails on accounts that work in bursts anyway. Source: Roberts 1959 (EWMA charts).
    """

    half_life_hours: float = tunable(
        48.0, "two days of active hours say what is usual", low=4, high=1000
    )
    min_hours: int = tunable(12, "before that an account has no habit", low=3, high=1000)
    min_surprise: float = tunable(10.0, "one hour in 20,000: hours are many", low=1, high=100)
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return Card(
            name="bursts",
            version=1,
            entity="account",
            family="volume",
            window="hour",
            reads=("hour_output_tokens",),
            min_windows=self.min_hours,
            max_bytes=64,
            references=(
                "S. W. Roberts, Control chart tests based on geometric moving averages, 1959",
            ),
            active=2_000,
            least=5,
        )

    def fresh(self) -> WeightedPast:
        """Memory of an account never seen before."""
        return WeightedPast.fresh(self._fade)

    def observe(
        self, memory: WeightedPast, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Score the hour, then learn it."""
        tokens = window.values.get("hour_output_tokens")
        if tokens is None or not math.isfinite(tokens) or tokens < 0:
            return None
        y = math.log1p(tokens)
        mean, variance = memory.moments()
        known = memory.count >= self.min_hours
        spread = math.sqrt(max(variance, 0.25))
        surprise = student_surprise((y - mean) / spread, 5.0) if known else 0.0
        if window.complete:
            memory.learn(min(y, mean + 2.0 * spread) if known else y)
        if not known:
            return None
        if surprise < self.min_surprise:
            return ()
        return (
            Evidence(
                detector=self.card.tag,
                family="volume",
                parameter="hour_output_tokens",
                observed=tokens,
                expected=math.expm1(mean),
                unit="tokens",
                surprise=surprise,
                window_start=window.start,
                window_end=window.end,
            ),
        )

    def dump(self, memory: WeightedPast) -> list[Any]:
        """The memory as plain numbers."""
        return [1, *memory.dump()]

    def restore(self, plain: Any) -> WeightedPast | None:
        """The memory that a dump stands for."""
        match plain:
            case [1, *past]:
                return WeightedPast.restore(self._fade, past)
        return None

    @property
    def _fade(self) -> float:
        return 1.0 - 0.5 ** (1.0 / self.half_life_hours)
