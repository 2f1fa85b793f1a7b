"""The interface for detectors of other packages, and the check that they must pass.

A package names its detectors under the entry point group `hydrawatch.detectors`; see
docs/detectors.md.
"""

from __future__ import annotations

from detectors.errors import ConfigError, ContractError
from detectors.interface.detector import (
    SCALE,
    Beside,
    Card,
    Columnar,
    Compared,
    Context,
    Detector,
    Evidence,
    Scores,
    Seen,
    Window,
    Windows,
)
from detectors.interface.plain import from_plain, to_plain
from detectors.interface.surprise import (
    bounded,
    negative_binomial_surprise,
    normal_surprise,
    student_surprise,
)
from detectors.interface.tunable import on_trial, switch, tunable
from detectors.interface.weighted_past import WeightedPast
from detectors.kernels.compiled import kernel
from detectors.testing.checks import CHECKS, Scenario, check_detector

__all__ = [
    "CHECKS",
    "SCALE",
    "Beside",
    "Card",
    "Columnar",
    "Compared",
    "ConfigError",
    "Context",
    "ContractError",
    "Detector",
    "Evidence",
    "Scenario",
    "Scores",
    "Seen",
    "WeightedPast",
    "Window",
    "Windows",
    "bounded",
    "check_detector",
    "from_plain",
    "kernel",
    "negative_binomial_surprise",
    "normal_surprise",
    "on_trial",
    "student_surprise",
    "switch",
    "to_plain",
    "tunable",
]
