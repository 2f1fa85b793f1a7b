"""Births: more new accounts on one shared value than values of that kind ever see.

What campaigns share, they divide: a few new accounts per card, a few dozen per network prefix. So
new accounts are counted per value and compared with what that kind of value shows, and with the
value's own past.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from detectors.births_priors import IP_CLASSES, UNKNOWN, scaled_priors
from detectors.interface.clock import WEEK_MS
from detectors.interface.detector import (
    Card,
    Context,
    Evidence,
    Scores,
    Seen,
    Window,
    Windows,
)
from detectors.interface.key_kinds import KINDS
from detectors.interface.surprise import bounded, negative_binomial_surprise
from detectors.interface.tunable import on_trial, tunable
from detectors.kernels.compiled import inlined, kernel

_STEADY_SHAPE = 4.0  # however long its past, a value's daily births still vary by half


@njit(cache=True)
def births_surprise(
    observed_day: float,
    observed_week: float,
    prior_mean: float,
    prior_shape: float,
    own_births: float,
    own_days: float,
) -> tuple[float, float]:
    """(surprise, parties to expect in 7 days) of new parties on one value.

    A Gamma-Poisson predictive: the kind's prior (per day), updated by the value's own `own_births`
    in the `own_days` before the week; or the prior alone, if that finds the week less odd. So a
    past excuses as far as it goes, but silence accuses nobody: a campus is silent until term
    begins. Without births of its own the first party is free, because it made the value known. The
    stronger of day and week counts, less ln 2 for the choice.
    """
    shape = prior_shape + max(own_births, 0.0)
    mean = shape / (prior_shape / prior_mean + max(own_days, 0.0))
    free = 0.0 if own_births > 0.0 else 1.0
    steady = min(shape, max(prior_shape, _STEADY_SHAPE))
    day, week = observed_day - free, observed_week - free
    past = max(
        negative_binomial_surprise(day, steady, mean),
        negative_binomial_surprise(week, steady, 7.0 * mean),
    )
    anew = max(
        negative_binomial_surprise(day, prior_shape, prior_mean),
        negative_binomial_surprise(week, prior_shape, 7.0 * prior_mean),
    )
    return bounded(min(past, anew) - math.log(2.0)), 7.0 * mean + free


@kernel
def births_rows(
    day: np.ndarray,
    week: np.ndarray,
    own_births: np.ndarray,
    own_days: np.ndarray,
    kinds: np.ndarray,
    classes: np.ndarray,
    priors: np.ndarray,
    min_parties: int,
    surprise: np.ndarray,
    expected: np.ndarray,
    failed: np.ndarray,
) -> None:
    """`births_surprise` of n values with enough parties, by kind and address class.

    Arrays are float64 (n), nan where not known; `priors` is `KeyBirths.priors`, `failed` bool (n).
    Nothing is said without the kind and the week's count; the rest is 0 if not known.
    """
    for i in range(day.size):
        kind = kinds[i]
        told = 0.0 <= kind < priors.shape[0] and week[i] < np.inf and week[i] >= min_parties
        for counted in (day[i], own_births[i], own_days[i]):
            told = told and not math.isinf(counted)
        if not told:
            continue
        place = classes[i] if 0.0 <= classes[i] < priors.shape[1] else float(UNKNOWN)
        prior = priors[np.int64(kind), np.int64(place)]
        try:
            surprise[i], expected[i] = births_surprise(
                _or_none(day[i]), week[i], prior[0], prior[1], _or_none(own_births[i]),
                _or_none(own_days[i]),
            )  # fmt: skip
        except Exception:
            failed[i] = True


@inlined
def _or_none(counted: float) -> float:
    return 0.0 if math.isnan(counted) else counted


_READS = ("parties_1d", "parties_7d", "own_births", "own_days")


@dataclass(frozen=True, slots=True)
class KeyBirths:
    """Section [births]: new accounts per shared value, far beyond what its kind shows.

    Reads the distinct parties (accounts of one organisation are one) that first appeared on the
    value while new, in the trailing day and week, and the value's own births and days before that
    week. Keeps nothing itself: the key's row holds the past. Context facts: `kind` (required) and
    `ip_class` (codes). Fails where a campaign grows slower than the kind's ordinary values, or
    gives every account values of its own; and calls a value odd that becomes popular overnight.
    Source: Gelman et al. 2013, 2.6 (Gamma-Poisson predictive); Cao et al. 2014 (SynchroTrap: what
    campaigns share because it costs).
    """

    new_account_days: int = tunable(
        7, "campaigns use accounts within days of buying them", low=1, high=90
    )
    min_parties: int = tunable(
        3, "two accounts on one value are a person with two accounts", low=2, high=1000
    )
    min_surprise: float = tunable(
        6.0, "one value in 400 by chance; values are many and fusion wants more", low=1, high=100
    )
    template_distance: int = tunable(
        6, "bits of 64 by which prompts of one template differ at most", low=0, high=20
    )
    identity_rate: float = tunable(
        1.0, "times the stated rate at which cards and devices gain parties", low=0.01, high=100
    )
    infrastructure_rate: float = tunable(
        1.0, "times the stated rate for prefixes, AS, TLS and sign-up cohorts", low=0.01, high=100
    )
    content_rate: float = tunable(
        1.0, "times the stated rate for system prompts and templates", low=0.01, high=100
    )
    shadow: bool = on_trial()

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        return Card(
            name="births",
            version=1,
            entity="key",
            family=None,
            window="minute",
            reads=_READS,
            min_windows=0,
            max_bytes=16,
            references=(
                "A. Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.6, 2013",
                "Q. Cao et al., Uncovering large groups of active malicious accounts, CCS 2014",
            ),
        )

    def priors(self) -> NDArray[np.float64]:
        """The priors with rates applied: float64 [kind, ip_class, (mean per day, shape)]."""
        return scaled_priors(self.identity_rate, self.infrastructure_rate, self.content_rate)

    @property
    def memory(self) -> np.dtype[Any]:
        """Nothing: the past comes with the window."""
        return np.dtype([])

    def observe_columns(self, memory: NDArray[Any], windows: Windows) -> Scores:
        """Score the new parties of n values, by kind and address class.

        `memory` is of `KeyBirths.memory`, which holds nothing, and is not read.
        """
        scores = Scores.silent(windows.rows.size)
        surprise, expected = np.full((2, windows.rows.size), np.nan)
        births_rows(
            *self._columns(windows),
            self.priors(),
            self.min_parties,
            surprise,
            expected,
            scores.failed,
        )
        return scores._replace(
            odd=surprise >= self.min_surprise,
            surprise=surprise,
            observed=windows.values["parties_7d"],
            expected=expected,
        )

    def again(self, memory: NDArray[Any], windows: Windows, place: int) -> None:
        """Raise what one value's arithmetic raises; `memory`, which holds nothing, is not read."""
        day, week, births, days, kind, ip_class = (
            float(column[place]) for column in self._columns(windows)
        )
        mean, shape = self._prior(kind, ip_class)
        births_surprise(day, week, mean, shape, births, days)

    def _columns(self, windows: Windows) -> list[NDArray[np.float64]]:
        """What is read of n windows and what is known of the values: columns of length n."""
        nowhere = np.full(windows.rows.size, np.nan)
        return [
            *(windows.values[name] for name in _READS),
            *(windows.facts.get(name, nowhere) for name in ("kind", "ip_class")),
        ]

    def _prior(self, kind: float, ip_class: float) -> tuple[float, float]:
        """Mean and shape for a kind; an address class that is not known is one of its own."""
        place = int(ip_class) if 0 <= ip_class < IP_CLASSES else UNKNOWN
        mean, shape = self.priors()[int(kind), place]
        return float(mean), float(shape)

    def fresh(self) -> None:
        """Nothing: the past comes with the window."""

    def observe(
        self, memory: None, window: Window, context: Context
    ) -> tuple[Evidence, ...] | None:
        """Score the new parties; None without the kind or the week's count."""
        kind = context.facts.get("kind", -1.0)
        week = window.values.get("parties_7d", math.nan)
        day = window.values.get("parties_1d", 0.0)
        own = window.values.get("own_births", 0.0), window.values.get("own_days", 0.0)
        if not 0 <= kind < len(KINDS) or not all(map(math.isfinite, (week, day, *own))):
            return None
        mean, shape = self._prior(kind, context.facts.get("ip_class", UNKNOWN))
        surprise, expected = births_surprise(day, week, mean, shape, *own)
        if week < self.min_parties or surprise < self.min_surprise:
            return ()
        return (self.evidence(Seen(week, expected, surprise, window.end, int(kind))),)

    def evidence(self, seen: Seen) -> Evidence:
        """What odd births on a value look like to a reader."""
        return Evidence(
            detector=self.card.tag,
            family=KINDS[seen.kind].family,
            parameter=f"new_accounts_per_{KINDS[seen.kind].field}",
            observed=seen.observed,
            expected=seen.expected,
            unit="parties in 7 days",
            surprise=seen.surprise,
            window_start=seen.end - WEEK_MS,
            window_end=seen.end,
        )

    def dump(self, memory: None) -> list[Any]:
        """Nothing to keep."""
        return []

    def restore(self, plain: Any) -> None:
        """Nothing to restore: None starts fresh, which is the same."""
