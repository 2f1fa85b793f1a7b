"""Scenarios that the built-in detectors are checked on: customers, cohorts and shared values."""

import math

import msgspec
import numpy as np

from detectors.births_priors import EDU, RESIDENTIAL, VPN
from detectors.interface.detector import Context, Window
from detectors.interface.key_kinds import PAYMENT, PREFIX, SYSTEM
from detectors.testing.checks import Scenario
from detectors.testing.scenarios import part

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
