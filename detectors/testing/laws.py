"""Checks of what evidence may depend on: the entity's own windows so far, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from math import isclose

import msgspec

from detectors.interface.detector import Described, Evidence
from detectors.judging.soundness import encoded
from detectors.testing.driver import Driver, Form, forms, run
from detectors.testing.listeners import Observed
from detectors.testing.scenarios import Outcome, Scenario, part

# Columns keep 32-bit floats, of which each has 24 bits, and detectors subtract such numbers.
AGREEMENT = 1e-3


def in_each_form(
    check: Callable[[Described, Sequence[Scenario], Form], Iterator[str]],
) -> Callable[[Described, Sequence[Scenario]], list[str]]:
    """A check of one form as a check of all forms that a detector has."""

    @wraps(check)
    def checked(detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
        return [f"{c} ({f})" for f in forms(detector) for c in check(detector, scenarios, f)]

    return checked


def outcomes(detector: Described, scenarios: Sequence[Scenario], form: Form) -> list[list[Outcome]]:
    """What is said to each window of each scenario, all of them in one host."""
    driver = Driver(detector, form, scenarios)
    driver.drive()
    return driver.said


@in_each_form
def deterministic(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """The same windows give the same evidence."""
    return (s.name for s in scenarios if run(detector, s, form) != run(detector, s, form))


@in_each_form
def causal(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Evidence, once given, does not change with what follows."""
    for s in scenarios:
        driver = Driver(detector, form, (s,))
        driver.drive()
        ear = driver.listener
        if isinstance(ear, Observed) and list(map(encoded, ear.told)) != ear.then:
            yield f"{s.name}: evidence changed after it was given"
        half = len(s.windows) // 2
        if run(detector, part(s, half), form) != driver.said[0][:half]:
            yield f"{s.name}: its first half alone gives other evidence"


@in_each_form
def restorable(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Keeping the memories and going on from them, at any cut, changes nothing."""
    driver = Driver(detector, form, scenarios)
    for batch in driver.batches():
        driver = driver.restarted()
        driver.close(batch)
    whole = outcomes(detector, scenarios, form)
    for s, cut, said in zip(scenarios, driver.said, whole, strict=True):
        if cut != said:
            yield f"{s.name}: evidence differs when memory is kept and restored"


@in_each_form
def isolated(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Entities do not see each other, and the detector itself does not change."""
    before = repr(detector)
    alone = [run(detector, s, form) for s in scenarios]
    together = outcomes(detector, scenarios, form)
    yield from (s.name for s, a, t in zip(scenarios, alone, together, strict=True) if a != t)
    if repr(detector) != before:
        yield "the detector itself changed"


def both_forms_agree(detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
    """Where there are both forms, they give the same evidence, numbers to one in a thousand."""
    if len(forms(detector)) < 2:
        return []
    one, other = (outcomes(detector, scenarios, form) for form in ("columns", "observe"))
    return [
        f"{s.name}: columns say {a!r} of the window that ends at {w.end}, observe says {b!r}"
        for s, ours, theirs in zip(scenarios, one, other, strict=True)
        for w, a, b in zip(s.windows, ours, theirs, strict=True)
        if not _alike(a or (), b or ())
    ]


def _alike(one: Sequence[Evidence], other: Sequence[Evidence]) -> bool:
    return len(one) == len(other) and all(map(_same, one, other))


def _same(one: Evidence, other: Evidence) -> bool:
    numbers = ("observed", "expected", "surprise")
    near = all(
        isclose(getattr(one, n), getattr(other, n), rel_tol=AGREEMENT, abs_tol=AGREEMENT)
        for n in numbers
    )
    return near and msgspec.structs.replace(one, **{n: getattr(other, n) for n in numbers}) == other
