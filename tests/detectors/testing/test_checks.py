"""Our detectors pass every check that users' own must pass, and each check can fail."""

import math
import time
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.births import KeyBirths
from detectors.births_priors import EDU, RESIDENTIAL, VPN
from detectors.interface.detector import Card, Context, Evidence, Scores, Window, Windows
from detectors.interface.key_kinds import PAYMENT, PREFIX, SYSTEM
from detectors.interface.tunable import tunable
from detectors.testing.checks import CHECKS, Outcome, Scenario, check_detector, run
from detectors.testing.driver import forms
from detectors.testing.scenarios import part, without
from detectors.volume import AccountVolume

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def volume_scenario(name: str, seed: int, rate: float, factor: float) -> Scenario:
    """Forty days, a window every six hours; from day 30 on `factor` times as much."""
    rng = np.random.default_rng(seed)
    windows, labels = [], []
    for day in range(40):
        attack = factor > 1 and day >= 30
        requests = np.floor(rate * math.exp(rng.normal(0, 0.4)) * (factor if attack else 1.0))
        for hour in (5, 11, 17, 23):
            end = day * DAY_MS + (hour + 1) * HOUR_MS
            values = {"requests_24h": float(requests)}
            if hour == 23:
                values["day_requests"] = float(requests)
            windows.append(Window(end - HOUR_MS, end, values))
            labels.append(bool(attack and day < 33))
    return Scenario(name, tuple(windows), (Context(),) * len(windows), tuple(labels))


def births_scenario(
    name: str, facts: dict[str, float], weekly: list[float], attack: bool
) -> Scenario:
    windows = []
    for day, week in enumerate(weekly):
        values = {"parties_1d": math.ceil(week / 7), "parties_7d": week, "own_days": float(day)}
        values["own_births"] = sum(weekly[:day:7])
        windows.append(Window((day + 6) * DAY_MS, (day + 7) * DAY_MS, values))
    count = len(windows)
    return Scenario(name, tuple(windows), (Context(facts),) * count, (attack,) * count)


def with_facts(s: Scenario, **facts: float) -> Scenario:
    """The scenario with what is known of the cohort."""
    return msgspec.structs.replace(s, contexts=(Context(facts),) * len(s.windows))


def newcomer() -> Scenario:
    """An account of a day, a hundred times as busy as its cohort."""
    known = with_facts(
        volume_scenario("newcomer", 5, 9_000.0, 1.0), cohort_level=4.5, cohort_level_spread=0.8
    )
    return msgspec.structs.replace(part(known, 4), labels=(True,) * 4)


VOLUME = (
    volume_scenario("steady customer", 1, 300.0, 1.0),
    volume_scenario("small customer", 2, 20.0, 1.0),
    volume_scenario("stolen key", 3, 200.0, 80.0),
    volume_scenario("farm wakes up", 4, 60.0, 200.0),
)
COHORTS = (
    with_facts(
        volume_scenario("stolen key at a launch", 6, 200.0, 80.0),
        cohort_shift=0.7,
        cohort_spread=0.4,
    ),
    newcomer(),
)
BIRTHS = (
    births_scenario("campus", {"kind": PREFIX, "ip_class": EDU}, [40.0] * 20, attack=False),
    births_scenario("VPN", {"kind": PREFIX, "ip_class": VPN}, [280.0] * 20, attack=False),
    births_scenario("framework", {"kind": SYSTEM}, [float(n) for n in range(20)], attack=False),
    births_scenario("shared card", {"kind": PAYMENT}, [6.0] * 3, attack=True),
    births_scenario("proxies", {"kind": PREFIX, "ip_class": RESIDENTIAL}, [20.0] * 3, attack=True),
)


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


@dataclass(frozen=True)
class Threshold:
    """Reads requests_24h. Keeps the last ten. Fails on everybody who grows. Source: this test."""

    limit: float = tunable(2000.0, "twice what anybody here asks for", low=1, high=1e9)
    calls: ClassVar[list[float]] = []
    card: ClassVar[Card] = Card(
        "threshold", 1, "account", "volume", "hour", ("requests_24h",), 2, 128, ("this test",),
        active=10,
    )  # fmt: skip

    def fresh(self) -> Any:
        return {"seen": []}

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        requests = window.values.get("requests_24h", 0.0)
        if not math.isfinite(requests):
            return None
        warm = len(memory["seen"]) >= 2
        if window.complete:
            memory["seen"] = [*memory["seen"][-9:], requests]
        if not warm:
            return None
        return (self.alarm(window, requests),) if requests > self.limit else ()

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        start, end = window.end - DAY_MS, window.end
        said = Evidence(
            "threshold.v1", "volume", "requests", requests, self.limit, "requests", 9.0, start, end
        )
        return msgspec.structs.replace(said, **changed)

    def dump(self, memory: Any) -> Any:
        return [1, *memory["seen"]]

    def restore(self, plain: Any) -> Any:
        sound = isinstance(plain, list) and plain[:1] == [1]
        return {"seen": list(plain[1:])} if sound else None


class SharesState(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        self.calls.append(1.0)
        said = super().observe(memory, window, context)
        return (self.alarm(window, 1.0),) if said and len(self.calls) % 3 else said


class Rewrites(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = memory.setdefault("said", [])
        said.extend(super().observe(memory, window, context) or ())
        return said


class Forgets(Threshold):
    """Reads, keeps, fails, source."""

    def dump(self, memory: Any) -> Any:
        return [1]


class Hoards(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = super().observe(memory, window, context)
        memory["seen"] = memory["seen"] * 2 if len(memory["seen"]) < 500 else memory["seen"]
        return said


class ChangesItself(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        object.__setattr__(self, "limit", self.limit + 1e-9)
        return super().observe(memory, window, context)


class LooksAtTheClock(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        time.time()
        return super().observe(memory, window, context)


class Insists(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        window.values["requests_24h"]
        return super().observe(memory, window, context)


class SpeaksTooSoon(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        return super().observe(memory, window, context) or ()


class LearnsFromHoles(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        whole = msgspec.structs.replace(window, complete=True)
        said = super().observe(memory, whole, context)
        return () if said and 1.0 in memory["seen"] else said


class Quiet(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        return None


class Coin(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        heads = (window.end // HOUR_MS * 2654435761) >> 7 & 1
        return (self.alarm(window, 1.0),) if heads else ()


class Quotes(Threshold):
    """Reads, keeps, fails, source."""

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said: Outcome = super().observe(memory, window, context)
        quoted = str(dict(window.values))
        return tuple(msgspec.structs.replace(e, parameter=quoted) for e in said or ()) or said


class TrustsDumps(Threshold):
    """Reads, keeps, fails, source."""

    def restore(self, plain: Any) -> Any:
        return {"seen": list(plain[1:])}


class Undocumented(Threshold):
    """Watches volume."""


class Exaggerates(Threshold):
    """Reads, keeps, fails, source."""

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        return super().alarm(window, requests, surprise=math.inf)


class Foresees(Threshold):
    """Reads, keeps, fails, source."""

    def alarm(self, window: Window, requests: float, **changed: Any) -> Evidence:
        return super().alarm(window, requests, window_end=window.end + DAY_MS)


class ReadsDreams(Threshold):
    """Reads, keeps, fails, source."""

    card: ClassVar[Card] = msgspec.structs.replace(Threshold.card, reads=("requests_25h",))


class ColumnsDiffer(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe(self, memory: Any, window: Window, context: Context) -> Any:
        said = super().observe(memory, window, context)
        return (
            tuple(msgspec.structs.replace(e, surprise=e.surprise * 0.99) for e in said or ())
            or said
        )


class SeesNeighbours(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        scores = super().observe_columns(memory, windows)
        return scores._replace(observed=scores.observed + windows.rows.size)


class Sprawls(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    @property
    def memory(self) -> np.dtype[Any]:
        return np.dtype([*AccountVolume().memory.descr, ("past", "<f8", 24)])


class LearnsHolesInColumns(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        return super().observe_columns(memory, windows._replace(complete=True))


class InsistsInColumns(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        if any(np.isnan(column).any() for column in windows.values.values()):
            raise ValueError("a value is missing")
        return super().observe_columns(memory, windows)


class TrustsRows(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        np.zeros(1_000)[memory["days"][windows.rows]]
        return super().observe_columns(memory, windows)


class FailsForSome(AccountVolume):
    """Reads, keeps, fails, source."""

    __slots__ = ()

    def observe_columns(self, memory: Any, windows: Windows) -> Scores:
        scores = super().observe_columns(memory, windows)
        return scores._replace(failed=scores.observed > 1e9)


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
