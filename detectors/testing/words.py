"""Checks of what a detector says, of others and of itself: when, in which form, and about what."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from detectors.errors import ConfigError, ContractError
from detectors.interface.detector import Described
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
def honest_warm_up(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Without help from others, the first `min_windows` windows are answered by None."""
    for s in scenarios:
        early = min(detector.card.min_windows, len(s.windows))
        said = run(detector, without(s, facts_of(s)), form)
        if any(outcome is not None for outcome in said[:early]):
            yield f"{s.name}: an answer before {early} windows"


@in_each_form
def unlearned_outage(
    detector: Described, scenarios: Sequence[Scenario], form: Form
) -> Iterator[str]:
    """Incomplete windows are never learned: evidence on all others stays the same."""
    for s in scenarios:
        if run(detector, with_holes(s), form)[1::2] != run(detector, s, form):
            yield s.name


@in_each_form
def useful(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Beats Quiet (never speaks) and Coin (speaks as often, at random); silent on benign ones."""
    hits: list[bool] = []
    false: list[bool] = []
    for s, told in zip(scenarios, outcomes(detector, scenarios, form), strict=True):
        said = [bool(outcome) for outcome in told]
        hits += [spoke for spoke, label in zip(said, s.labels, strict=True) if label]
        false += [spoke for spoke, label in zip(said, s.labels, strict=True) if not label]
        if not any(s.labels) and sum(said) > 0.01 * len(said):
            yield f"{s.name}: speaks in {sum(said)} of {len(said)} benign windows"
    if not hits or not false:
        yield "needs labelled windows, attacks and benign"
        return
    rate, recall = sum(false) / len(false), sum(hits) / len(hits)
    if recall == 0.0:
        yield "no better than Quiet: no attack found"
    elif recall <= rate + 2.0 * math.sqrt(rate * (1.0 - rate) / len(hits)):
        yield f"no better than Coin: recall {recall:.2f} at {rate:.2f} false alarms"


@in_each_form
def discreet(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """No text that came in goes out with the evidence."""
    for s in scenarios:
        marked = tuple(
            msgspec.structs.replace(w, values={**w.values, _SECRET: 1.0}) for w in s.windows
        )
        more = msgspec.structs.replace(s, windows=marked)
        driver = Driver(detector, form, (more,), also=(_SECRET,))
        driver.drive()
        if _SECRET in repr(driver.said):
            yield s.name


def documented(detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
    """The docstring says what it reads and keeps, when it fails, and its source; the card cites."""
    text = (type(detector).__doc__ or "").lower()
    said = ("reads", "keeps", "fails", "source")
    found = [f"the docstring does not say: {word}" for word in said if word not in text]
    return found + ([] if detector.card.references else ["the card cites nothing"])


@in_each_form
def well_formed(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Evidence is finite, within [0, cap], of a known family and of the past."""
    for s in scenarios:
        try:
            said = run(detector, s, form)
        except ContractError as error:  # the host would isolate it
            yield f"{s.name}: {error}"
        else:
            yield from (f"{s.name}: {c}" for c in malformed(said))


def malformed(said: Sequence[Outcome]) -> Iterator[str]:
    """What is wrong with evidence; the host has looked at its types, numbers, time, family and name."""
    for e in (e for outcome in said for e in outcome or ()):
        if not (e.parameter and e.unit):
            yield "parameter or unit not named"
