"""An exponentially weighted past: mean and variance of what was learned, by River's weighted means.

Both means are seeded with a vanishing value, so that dividing by the weight given out so far,
1 - (1 - fade)^count, yields the mean without undue weight on the first value (Finch 2009).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from river import stats

MOST = 65_535  # values that are counted
_SEED = 1e-300  # River takes its first value for the mean


@dataclass(slots=True)
class WeightedPast:
    """River's weighted means of a value and of its square, and how many values were learned."""

    fade: float  # weight of the newest value once the past is long
    level: stats.EWMean
    square: stats.EWMean
    count: int = 0

    @classmethod
    def fresh(cls, fade: float) -> WeightedPast:
        """Nothing learned yet."""
        past = cls(fade, stats.EWMean(fade), stats.EWMean(fade))
        past.level.update(_SEED)
        past.square.update(_SEED)
        return past

    def learn(self, value: float) -> None:
        """Learn one more value."""
        self.level.update(value)
        self.square.update(value * value)
        self.count = min(self.count + 1, MOST)

    def moments(self) -> tuple[float, float]:
        """Mean and variance of what was learned; zeros for nothing."""
        if self.count == 0:
            return 0.0, 0.0
        weight = 1.0 - (1.0 - self.fade) ** self.count
        mean = self.level.get() / weight
        return mean, max(self.square.get() / weight - mean * mean, 0.0)

    def dump(self) -> list[Any]:
        """Mean and mean square as River has them, and the count."""
        return [self.level.get(), self.square.get(), self.count]

    @classmethod
    def restore(cls, fade: float, plain: Any) -> WeightedPast | None:
        """The past that a dump stands for, faded by `fade` from here on; None if it cannot be told."""
        match plain:
            case [float(level), float(square), int(count)]:
                sane = math.isfinite(level) and math.isfinite(square) and 0 <= count <= MOST
                if not sane or isinstance(count, bool):
                    return None
            case _:
                return None
        past = cls(fade, stats.EWMean(fade), stats.EWMean(fade), count)
        past.level.update(level)
        past.square.update(square)
        return past
