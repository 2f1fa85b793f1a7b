"""Our detectors pass every check that users' own must pass, and each check can fail."""

import time
from typing import Any

import pytest

from detectors.births import KeyBirths
from detectors.interface.detector import Context, Window
from detectors.testing.checks import CHECKS, check_detector, run
from detectors.testing.driver import forms
from detectors.testing.scenarios import without
from detectors.volume import AccountVolume
from tests.detectors.testing.broken_detectors import (
    ChangesItself,
    Coin,
    ColumnsDiffer,
    Exaggerates,
    FailsForSome,
    Foresees,
    Forgets,
    Hoards,
    Insists,
    InsistsInColumns,
    LearnsFromHoles,
    LearnsHolesInColumns,
    LooksAtTheClock,
    Quiet,
    Quotes,
    ReadsDreams,
    Rewrites,
    SeesNeighbours,
    SharesState,
    SpeaksTooSoon,
    Sprawls,
    Threshold,
    TrustsDumps,
    TrustsRows,
    Undocumented,
)
from tests.detectors.testing.stories import BIRTHS, COHORTS, VOLUME


def test_account_volume_passes_every_check() -> None:
    check_detector(AccountVolume(), VOLUME + COHORTS)


def test_what_is_known_of_the_cohort_reaches_both_forms() -> None:
    for scenario in COHORTS:
        bare = without(scenario, {name for c in scenario.contexts for name in c.facts})
        for form in forms(AccountVolume()):
            said = run(AccountVolume(), scenario, form)
            assert any(said)
            assert said != run(AccountVolume(), bare, form)


def test_key_births_passes_every_check() -> None:
    check_detector(KeyBirths(), BIRTHS)


def test_a_plain_threshold_passes_so_that_the_broken_ones_fail_for_their_fault() -> None:
    check_detector(Threshold(), VOLUME)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (SharesState, "deterministic"),
        (Rewrites, "causal"),
        (Forgets, "restorable"),
        (SharesState, "isolated"),
        (ChangesItself, "isolated"),
        (Hoards, "bounded_memory"),
        (LooksAtTheClock, "pure"),
        (Insists, "tolerant"),
        (SpeaksTooSoon, "honest_warm_up"),
        (LearnsFromHoles, "unlearned_outage"),
        (Quiet, "useful"),
        (Coin, "useful"),
        (Quotes, "discreet"),
        (TrustsDumps, "upgradable"),
        (Undocumented, "documented"),
        (Exaggerates, "well_formed"),
        (Foresees, "well_formed"),
        (ReadsDreams, "reads_what_there_is"),
        (ColumnsDiffer, "both_forms_agree"),
        (SeesNeighbours, "isolated"),
        (Sprawls, "bounded_memory"),
        (FailsForSome, "bounded_memory"),
        (LearnsHolesInColumns, "unlearned_outage"),
        (InsistsInColumns, "tolerant"),
        (TrustsRows, "upgradable"),
    ],
)
def test_a_broken_detector_fails_the_check_for_its_fault(broken: type[Any], check: str) -> None:
    sound = AccountVolume if issubclass(broken, AccountVolume) else Threshold
    assert CHECKS[check](sound(), VOLUME) == []
    assert CHECKS[check](broken(), VOLUME) != []
    with pytest.raises(AssertionError, match=f"{check}: "):
        check_detector(broken(), VOLUME)


def test_every_check_is_shown_to_fail() -> None:
    marks = test_a_broken_detector_fails_the_check_for_its_fault.pytestmark  # type: ignore[attr-defined]
    assert {check for _, check in marks[0].args[1]} == set(CHECKS)


def test_the_world_is_whole_again_after_a_check() -> None:
    CHECKS["pure"](LooksAtTheClock(), VOLUME)
    assert time.time() > 0.0


def test_a_detector_that_raises_is_reported_not_hidden() -> None:
    class Breaks(Threshold):
        """Reads, keeps, fails, source."""

        def observe(self, memory: Any, window: Window, context: Context) -> Any:
            raise ValueError("broken")

    with pytest.raises(AssertionError, match=r"deterministic: raised ValueError"):
        check_detector(Breaks(), VOLUME)
