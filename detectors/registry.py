"""The detectors there are: one line each. Whatever lists detectors follows from it.

Sections of `detectors.toml`, labels of metrics, names of those set aside, tables of kept state and the
generated documentation all come from here, and from the plug-ins that the edge hands in beside them.
"""

from __future__ import annotations

from detectors.births import KeyBirths
from detectors.coordination import Coordination
from detectors.drift import AccountDrift, ModelDrift
from detectors.interface.detector import Described
from detectors.volume import AccountVolume

BUILT_IN: tuple[Described, ...] = (
    AccountVolume(),
    KeyBirths(),
    Coordination(),
    AccountDrift(),
    ModelDrift(),
)
