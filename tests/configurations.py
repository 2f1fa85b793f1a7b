"""Configurations for tests."""

from __future__ import annotations

from dataclasses import replace

from detectors.config import Config
from detectors.interface.detector import Described


def replacing(config: Config, detector: Described) -> Config:
    """The configuration with a detector in the place of that of its section."""
    section = detector.card.section
    detectors = tuple(detector if d.card.section == section else d for d in config.detectors)
    return replace(config, detectors=detectors)
