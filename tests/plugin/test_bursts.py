"""What its author would test, as docs/detectors.md shows it."""

import math
from random import Random

from account_bursts import Bursts

from hydrawatch.detectors import Context, Scenario, Window, check_detector

HOUR_MS = 3_600_000


def scenario(name: str, seed: int, spread: float, burst: float) -> Scenario:
    """Ten days of an account's hours; in the last three it draws `burst` times as much."""
    chance, windows, labels = Random(seed), [], []
    for hour in range(240):
        attack = burst > 1.0 and hour >= 237
        tokens = 6_000.0 * math.exp(chance.gauss(0.0, spread)) * (burst if attack else 1.0)
        start = hour * HOUR_MS
        windows.append(Window(start, start + HOUR_MS, {"hour_output_tokens": tokens}))
        labels.append(attack)
    return Scenario(name, tuple(windows), (Context(),) * 240, tuple(labels))


SCENARIOS = (
    scenario("a steady customer", 1, 0.3, 1.0),
    scenario("an uneven customer", 2, 0.8, 1.0),
    scenario("an account that is emptied", 3, 0.5, 2_000.0),
)


def test_bursts_keeps_what_a_detector_promises() -> None:
    check_detector(Bursts(), SCENARIOS)
