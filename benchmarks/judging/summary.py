"""Outcomes of many trials brought together: every figure over the seeds, by preset and contender."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.judging.intervals import Estimate, estimate

Outcome = Mapping[str, Any]
SOLVED_RECALL, SOLVED_PRECISION = 0.95, 0.9
Figures = dict[str, Estimate | None]


def by_contender(outcomes: Sequence[Outcome]) -> dict[str, Figures]:
    """Every headline figure, events per second and peak memory of each contender of one preset."""
    return {
        name: {figure: estimate(value(o) for o in theirs) for figure, value in _figures(theirs[0])}
        for name, theirs in grouped(outcomes, lambda o: o["contender"]).items()
    }


def by_scenario(outcomes: Sequence[Outcome]) -> dict[str, dict[str, Figures]]:
    """Per attack scenario and contender: recall, leaks and hours, campaigns of one world averaged."""
    rows: dict[str, dict[str, list[dict[str, float | None]]]] = defaultdict(dict)
    for outcome in outcomes:
        campaigns = grouped(outcome["score"]["campaigns"], lambda c: c["scenario"])
        for scenario, theirs in campaigns.items():
            rows[scenario].setdefault(outcome["contender"], []).append(_of_campaigns(theirs))
    return {
        scenario: {
            name: {figure: estimate(seed[figure] for seed in seeds) for figure in seeds[0]}
            for name, seeds in rows[scenario].items()
        }
        for scenario in sorted(rows, key=in_order)
    }


def by_look_alike(outcomes: Sequence[Outcome], action: str) -> dict[str, Figures]:
    """Per class of benign accounts: each contender's accusations per 10,000 of them and day."""
    rows: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for outcome in outcomes:
        for code, facts in outcome["score"]["harm"]["look_alikes"].items():
            rows[code].setdefault(outcome["contender"], []).append(facts["rate"][action])
    return {
        code: {name: estimate(rates) for name, rates in rows[code].items()}
        for code in sorted(rows, key=in_order)
    }


def solved(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """Say which contender solves which scenario: finds nearly all of it, and accuses few others.

    Recall is the scenario's, precision the contender's over the whole world; means over seeds.
    """
    precise = {
        name
        for name, figures in by_contender(outcomes).items()
        if (found := figures["precision_throttle"]) and found.mean >= SOLVED_PRECISION
    }
    return [
        (name, scenario)
        for scenario, cells in by_scenario(outcomes).items()
        for name, figures in cells.items()
        if name in precise and (found := figures["recall"]) and found.mean >= SOLVED_RECALL
    ]


def grouped(items: Iterable[Any], key: Callable[[Any], str]) -> dict[str, list[Any]]:
    """Items by key, keys in the order of their first item."""
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def in_order(code: str) -> tuple[int, str]:
    """A2 before A10, and words before codes."""
    return (int(code[1:]), code) if code[1:].isdigit() else (0, code)


def as_json(presets: Mapping[str, Sequence[Outcome]]) -> dict[str, Any]:
    """All estimates as [mean, low, high, seeds]; rates and shares are cut off where they end."""
    return {
        preset: {
            name: {figure: _bounds(figure, found) for figure, found in figures.items()}
            for name, figures in by_contender(outcomes).items()
        }
        for preset, outcomes in presets.items()
    }


def _bounds(figure: str, found: Estimate | None) -> list[float | int | None] | None:
    if found is None:
        return None
    if found.half is None:
        return [found.mean, None, None, found.seeds]
    high = found.mean + found.half
    return [
        found.mean,
        max(0.0, found.mean - found.half),
        min(1.0, high) if figure.startswith(SHARES) else high,
        found.seeds,
    ]


SHARES = (
    "campaign_recall",
    "account_recall",
    "leak",
    "precision",
    "purity",
    "completeness",
    "retracted_share",
)


def _figures(sample: Outcome) -> list[tuple[str, Callable[[Outcome], float | None]]]:
    def headline(name: str) -> Callable[[Outcome], float | None]:
        return lambda outcome: outcome["score"]["figures"][name]

    def own(name: str) -> Callable[[Outcome], float | None]:
        return lambda outcome: outcome[name]

    return [(name, headline(name)) for name in sample["score"]["figures"]] + [
        (name, own(name)) for name in ("events", "events_per_second", "peak_mib")
    ]


def _of_campaigns(campaigns: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    hours = [c["detect_hours"] for c in campaigns if c["detect_hours"] is not None]
    accounts = sum(c["accounts"] for c in campaigns)
    return {
        "recall": sum(c["named"] for c in campaigns) / accounts if accounts else None,
        "before_alert": fmean(c["before_alert"] for c in campaigns),
        "before_named": fmean(c["before_named"] for c in campaigns),
        "detect_hours": fmean(hours) if hours else None,
    }
