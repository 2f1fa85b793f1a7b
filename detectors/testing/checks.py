"""Checks that every detector must pass, ours and yours: `check_detector(detector, scenarios)`.

Each check is a function from detector and scenarios to the complaints it has; `CHECKS` names them. They
drive the detector through the host (`detectors.testing.driver`), in each form that it has. Redelivered,
late and disordered events never reach a detector (windows close once, in order), so they are the
engine's to test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from detectors.interface.detector import Described
from detectors.testing.bounds import bounded_memory, pure, tolerant, upgradable
from detectors.testing.driver import run
from detectors.testing.laws import both_forms_agree, causal, deterministic, isolated, restorable
from detectors.testing.scenarios import Outcome, Scenario
from detectors.testing.words import (
    discreet,
    documented,
    honest_warm_up,
    reads_what_there_is,
    unlearned_outage,
    useful,
    well_formed,
)

__all__ = ["CHECKS", "Check", "Outcome", "Scenario", "check_detector", "run"]

Check = Callable[[Described, Sequence[Scenario]], list[str]]


def check_detector(detector: Described, scenarios: Sequence[Scenario]) -> None:
    """Run every check; raises AssertionError that lists all complaints, by check."""
    complaints = [
        f"{name}: {complaint}"
        for name, check in CHECKS.items()
        for complaint in _complaints(check, detector, scenarios)
    ]
    if complaints:
        raise AssertionError("\n".join([f"{type(detector).__name__} fails:", *complaints]))


CHECKS: Mapping[str, Check] = {
    check.__name__: check
    for check in (
        reads_what_there_is, deterministic, causal, restorable, isolated, both_forms_agree,
        bounded_memory, pure, tolerant, honest_warm_up, unlearned_outage, useful, discreet,
        upgradable, documented, well_formed,
    )
}  # fmt: skip


def _complaints(check: Check, detector: Described, scenarios: Sequence[Scenario]) -> list[str]:
    try:
        return check(detector, scenarios)
    except Exception as error:
        return [f"raised {error!r}"]
