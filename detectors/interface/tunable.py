"""How a threshold is declared: its default, the sentence that says why, and the allowed range.

The frozen dataclasses that hold thresholds (detectors among them) are the sections of
`detectors.toml`; `detectors.config` reads these declarations to check and explain a file.
"""

from __future__ import annotations

from dataclasses import Field, field
from typing import Any, TypeVar

T = TypeVar("T", int, float)


def tunable(default: T, why: str, *, low: float, high: float) -> T:
    """A dataclass field for one threshold: `default`, `why`, and its range `low`..`high`."""
    declared: T = field(default=default, metadata={"why": why, "low": low, "high": high})
    return declared


def reason(declared: Field[Any]) -> str:
    """The sentence that says why a field's default is what it is."""
    return str(declared.metadata.get("why", ""))


def switch(why: str) -> bool:
    """A dataclass field that is false by default: true or false in `detectors.toml`, and why."""
    declared: bool = field(default=False, metadata={"why": why, "low": False, "high": True})
    return declared


def on_trial() -> bool:
    """The field `shadow` of a detector: whether it runs beside the live ones, unheard by them."""
    return switch(
        "on trial: what it finds goes to the shadow topic alone, live alerts do not hear it"
    )
