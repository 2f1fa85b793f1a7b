"""Upper tails in nats: -ln P(X >= x) for the distributions that baselines use.

Scalar functions compiled by numba, so that kernels over a million accounts and detectors on one
window share one formula. All work in log space (a tail of e^-90 is as exact as one of e^-1), stop
at `SURPRISE_CAP`, and never return nan: what cannot be judged is not surprising (0). The two
discrete and heavy tails are regularised incomplete beta functions, by Lentz's continued fraction
(Press et al., Numerical Recipes, 3rd ed., 6.4; DLMF 8.17.22).
"""

from __future__ import annotations

import math

from numba import njit

from detectors.interface.detector import SURPRISE_CAP

_TINY = 1e-300
_ROUNDS = 5000
_POISSON_SHAPE = 1e9  # beyond this a gamma's spread is far below one count's


@njit(cache=True)
def bounded(surprise: float) -> float:
    """Surprise within [0, SURPRISE_CAP]; nan becomes 0."""
    if not surprise > 0.0:
        return 0.0
    return min(surprise, SURPRISE_CAP)


@njit(cache=True)
def normal_surprise(z: float) -> float:
    """-ln P(Z >= z) for a standard normal Z."""
    if math.isnan(z):
        return 0.0
    if z > 15.0:  # 116 nats: beyond the cap, and erfc would soon underflow
        return SURPRISE_CAP
    if z < -1.0:
        return bounded(-math.log1p(-0.5 * math.erfc(-z / math.sqrt(2.0))))
    return bounded(-math.log(0.5 * math.erfc(z / math.sqrt(2.0))))


@njit(cache=True)
def student_surprise(t: float, df: float) -> float:
    """-ln P(T >= t) for Student's t with `df` > 0 degrees of freedom."""
    if math.isnan(t) or math.isnan(df) or df <= 0.0:
        return 0.0
    if df > _POISSON_SHAPE:
        return normal_surprise(t)
    if math.isinf(t):
        return SURPRISE_CAP if t > 0.0 else 0.0
    if t == 0.0:
        return math.log(2.0)
    ratio = (abs(t) / df) * abs(t)
    if ratio == 0.0:
        return math.log(2.0)
    half = 0.5 * df
    # P(|T| >= t) = I_x(df/2, 1/2) at x = df / (df + t^2)
    log_x = -math.log1p(ratio)
    log_y = log_x + math.log(ratio)
    front = half * log_x + 0.5 * log_y + _log_gamma_gap(half, 0.5) - math.lgamma(0.5)
    both = _beta_surprise(half, 0.5, math.exp(log_x), math.exp(log_y), front)
    if t > 0.0:
        return bounded(both + math.log(2.0))
    return bounded(-math.log1p(-0.5 * math.exp(-both)))


@njit(cache=True)
def negative_binomial_surprise(observed: float, shape: float, mean: float) -> float:
    """-ln P(X >= observed) for counts whose rate is gamma distributed (Poisson for a large shape).

    `mean` is the expected count, `shape` that of the gamma: variance = mean + mean^2 / shape.
    """
    if math.isnan(observed) or math.isnan(shape) or math.isnan(mean) or shape <= 0.0:
        return 0.0
    k = math.ceil(observed)
    if k <= 0.0 or math.isinf(mean):
        return 0.0
    if mean <= 0.0 or k > 1e12:
        return SURPRISE_CAP
    r = min(shape, _POISSON_SHAPE)
    # P(X >= k) = I_p(k, r) at p = mean / (mean + r); written so that a large r cancels nothing
    front = _log_gamma_gap(r, k) - math.lgamma(k) - r * math.log1p(mean / r)
    front += k * (math.log(mean) - math.log(r + mean))
    return bounded(_beta_surprise(k, r, mean / (mean + r), r / (mean + r), front))


@njit(cache=True)
def _log_gamma_gap(b: float, a: float) -> float:
    """ln Gamma(a + b) - ln Gamma(b), exact also where both are huge."""
    if b < 100.0:
        return math.lgamma(a + b) - math.lgamma(b)
    # Stirling's series of both, subtracted term by term
    total = a + b
    gap = (b - 0.5) * math.log1p(a / b) + a * math.log(total) - a
    gap += (1.0 / total - 1.0 / b) / 12.0
    gap -= (1.0 / total**3 - 1.0 / b**3) / 360.0
    return gap


@njit(cache=True)
def _beta_surprise(a: float, b: float, x: float, y: float, front: float) -> float:
    """-ln I_x(a, b), given y = 1 - x and front = ln(x^a y^b / B(a, b))."""
    if x < (a + 1.0) / (a + b + 2.0):
        return -(front + math.log(_fraction(a, b, x)) - math.log(a))
    other = math.exp(front + math.log(_fraction(b, a, y)) - math.log(b))
    return -math.log1p(-min(other, 1.0 - 1e-16))


@njit(cache=True)
def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    c = 1.0
    d = 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _ROUNDS):
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        for step in (even, odd):
            d = 1.0 + step * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + step / c
            c = c if abs(c) > _TINY else _TINY
            value *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return value if value > _TINY else _TINY
