"""Our detectors pass every check that users' own must pass, and each check can fail."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.births import EDU, RESIDENTIAL, VPN, KeyBirths
from detectors.interface.detector import Card, Context, Evidence, Window
from detectors.interface.key_kinds import PAYMENT, PREFIX, SYSTEM
from detectors.testing.checks import CHECKS, Outcome, Scenario, check_detector
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


VOLUME = (
    volume_scenario("steady customer", 1, 300.0, 1.0),
    volume_scenario("small customer", 2, 20.0, 1.0),
    volume_scenario("stolen key", 3, 200.0, 80.0),
    volume_scenario("farm wakes up", 4, 60.0, 200.0),
)
BIRTHS = (
    births_scenario("campus", {"kind": PREFIX, "ip_class": EDU}, [40.0] * 20, attack=False),
    births_scenario("VPN", {"kind": PREFIX, "ip_class": VPN}, [280.0] * 20, attack=False),
    births_scenario("framework", {"kind": SYSTEM}, [float(n) for n in range(20)], attack=False),
    births_scenario("shared card", {"kind": PAYMENT}, [6.0] * 3, attack=True),
    births_scenario("proxies", {"kind": PREFIX, "ip_class": RESIDENTIAL}, [20.0] * 3, attack=True),
)


def test_account_volume_passes_every_check() -> None:
    check_detector(AccountVolume(), VOLUME)


def test_key_births_passes_every_check() -> None:
    check_detector(KeyBirths(), BIRTHS)


THRESHOLD_CARD = Card(
    "threshold", 1, "account", "volume", "hour", ("requests_24h",), 2, 128, ("this test",)
)


@dataclass
class Threshold:
    """Reads requests_24h. Keeps the last ten. Fails on everybody who grows. Source: this test."""

    limit: float = 2000.0
    shared: list[float] = field(default_factory=list, repr=False)
    card: Card = THRESHOLD_CARD

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
            "threshold", "volume", "requests", requests, self.limit, "requests", 9.0, start, end
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
        self.shared.append(1.0)
        said = super().observe(memory, window, context)
        return (self.alarm(window, 1.0),) if said and len(self.shared) % 3 else said


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
        self.limit += 1e-9
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
    ],
)
def test_a_broken_detector_fails_the_check_for_its_fault(
    broken: Callable[[], Threshold], check: str
) -> None:
    assert CHECKS[check](Threshold(), VOLUME) == []
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
