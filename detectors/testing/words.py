"""Checks of what a detector says, of others and of itself: when, in which form, and about what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

import msgspec

from detectors.errors import ConfigError
from detectors.interface.detector import SURPRISE_CAP, Described, Window
from detectors.interface.family import Family
from detectors.judging.admission import admitted
from detectors.testing.driver import Driver, Form, run
from detectors.testing.laws import in_each_form, outcomes
from detectors.testing.scenarios import Outcome, Scenario, facts_of, with_holes, without

_SECRET = "verbatim-input-7f3a"


def reads_what_there_is(detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
    """The host would run it: its card reads features that exist, its name is free, its fields declared."""
    try:
        admitted((detector,))
    except ConfigError as error:
        return [str(error)]
    return []


@in_each_form
def honest_warm_up(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[str]:
    """Without help from others, the first `min_windows` windows are answered by None."""
    found = []
    for s in scenarios:
        early = min(detector.card.min_windows, len(s.windows))
        said = run(detector, without(s, facts_of(s)), form)
        if any(outcome is not None for outcome in said[:early]):
            found.append(f"{s.name}: an answer before {early} windows")
    return found


@in_each_form
def unlearned_outage(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[str]:
    """Incomplete windows are never learned: evidence on all others stays the same."""
    return [
        s.name
        for s in scenarios
        if run(detector, with_holes(s), form)[1::2] != run(detector, s, form)
    ]


@in_each_form
def useful(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[str]:
    """Beats Quiet (never speaks) and Coin (speaks as often, at random); silent on benign ones."""
    hits: list[bool] = []
    false: list[bool] = []
    found = []
    for s, told in zip(scenarios, outcomes(detector, scenarios, form), strict=True):
        said = [bool(outcome) for outcome in told]
        hits += [spoke for spoke, label in zip(said, s.labels, strict=True) if label]
        false += [spoke for spoke, label in zip(said, s.labels, strict=True) if not label]
        if not any(s.labels) and sum(said) > 0.01 * len(said):
            found.append(f"{s.name}: speaks in {sum(said)} of {len(said)} benign windows")
    if not hits or not false:
        return [*found, "needs labelled windows, attacks and benign"]
    rate, recall = sum(false) / len(false), sum(hits) / len(hits)
    if recall == 0.0:
        found.append("no better than Quiet: no attack found")
    elif recall <= rate + 2.0 * math.sqrt(rate * (1.0 - rate) / len(hits)):
        found.append(f"no better than Coin: recall {recall:.2f} at {rate:.2f} false alarms")
    return found


@in_each_form
def discreet(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[str]:
    """No text that came in goes out with the evidence."""
    found = []
    for s in scenarios:
        marked = tuple(
            msgspec.structs.replace(w, values={**w.values, _SECRET: 1.0}) for w in s.windows
        )
        more = msgspec.structs.replace(s, windows=marked)
        driver = Driver(detector, form, (more,), also=(_SECRET,))
        driver.drive()
        if _SECRET in repr(driver.said):
            found.append(s.name)
    return found


def documented(detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
    """The docstring says what it reads and keeps, when it fails, and its source; the card cites."""
    text = (type(detector).__doc__ or "").lower()
    said = ("reads", "keeps", "fails", "source")
    found = [f"the docstring does not say: {word}" for word in said if word not in text]
    return found + ([] if detector.card.references else ["the card cites nothing"])


@in_each_form
def well_formed(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[str]:
    """Evidence is finite, within [0, cap], of a known family and of the past."""
    return [
        f"{s.name}: {complaint}"
        for s, said in zip(scenarios, outcomes(detector, scenarios, form), strict=True)
        for outcome, window in zip(said, s.windows, strict=True)
        for complaint in malformed(detector, outcome, window)
    ]


def malformed(detector: Described, outcome: Outcome, window: Window) -> list[str]:
    """What is wrong with evidence of a window."""
    found = []
    for e in outcome or ():
        numbers = (e.observed, e.expected, e.surprise)
        if not all(map(math.isfinite, numbers)) or not 0.0 <= e.surprise <= SURPRISE_CAP:
            found.append(f"observed, expected, surprise = {numbers}")
        if e.family != (detector.card.family or e.family) or e.family not in get_args(Family):
            found.append(f"family {e.family!r}")
        if not e.window_start < e.window_end <= window.end:
            found.append(f"its window ends at {e.window_end}, the one it saw at {window.end}")
        if not (e.detector.startswith(detector.card.name) and e.parameter and e.unit):
            found.append("detector, parameter or unit not named")
    return found
