"""Scenarios: the windows of one entity in order, and what a detector says to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from detectors.interface.detector import Context, Detector, Evidence, Window

Outcome = tuple[Evidence, ...] | None


class Scenario(msgspec.Struct, frozen=True):
    """One entity's windows in order, with what was known of others and whether each is an attack."""

    name: str
    windows: tuple[Window, ...]
    contexts: tuple[Context, ...]
    labels: tuple[bool, ...]


def run(detector: Detector[Any], scenario: Scenario) -> list[Outcome]:
    """What a detector says to each window of a scenario, from fresh memory."""
    memory = detector.fresh()
    return [detector.observe(memory, w, c) for w, c in steps(scenario)]


def steps(scenario: Scenario) -> Iterator[tuple[Window, Context]]:
    """Each window with what was known of others."""
    return zip(scenario.windows, scenario.contexts, strict=True)


def part(s: Scenario, count: int) -> Scenario:
    """Its first `count` windows."""
    return Scenario(s.name, s.windows[:count], s.contexts[:count], s.labels[:count])


def without(s: Scenario, gone: set[str]) -> Scenario:
    """The scenario with the values and facts of these names not known."""

    def kept(values: Mapping[str, float]) -> dict[str, float]:
        return {n: v for n, v in values.items() if n not in gone}

    windows = tuple(msgspec.structs.replace(w, values=kept(w.values)) for w in s.windows)
    return Scenario(s.name, windows, tuple(Context(kept(c.facts)) for c in s.contexts), s.labels)
