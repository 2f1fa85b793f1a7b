"""A figure over several seeds: its mean, and Student's 95 % interval for the mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from scipy.special import stdtrit

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """Mean over `seeds` seeds and half the interval's width; `half` is None with fewer than two."""

    mean: float
    half: float | None
    seeds: int


def estimate(values: Iterable[float | None]) -> Estimate | None:
    """Estimate from one value per seed; a seed that has none is left out, None if all are.

    Seeds are independent worlds; a t-interval assumes their figures near normal, which shares near
    0 or 1 are not: there it is a rough guide.
    """
    known = [float(v) for v in values if v is not None and math.isfinite(v)]
    if not known:
        return None
    mean = sum(known) / len(known)
    if len(known) < 2:
        return Estimate(mean, None, len(known))
    variance = sum((v - mean) ** 2 for v in known) / (len(known) - 1)
    quantile = float(stdtrit(len(known) - 1, 0.5 + CONFIDENCE / 2))
    return Estimate(mean, quantile * math.sqrt(variance / len(known)), len(known))
