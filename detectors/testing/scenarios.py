"""Scenarios: the windows of one entity in order, and what became of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from detectors.interface.detector import Context, Evidence, Window

Outcome = tuple[Evidence, ...] | None


class Scenario(msgspec.Struct, frozen=True):
    """One entity's windows in order, with what was known of others and whether each is an attack.

    A window's values are features by name (`detectors.judging.features`), of one span or several: a
    value is there where a window of its span closes, and nan where that is not known. Windows of
    scenarios that end at the same time close at once.
    """

    name: str
    windows: tuple[Window, ...]
    contexts: tuple[Context, ...]
    labels: tuple[bool, ...]


def part(s: Scenario, count: int) -> Scenario:
    """Its first `count` windows."""
    return Scenario(s.name, s.windows[:count], s.contexts[:count], s.labels[:count])


def facts_of(s: Scenario) -> set[str]:
    """Names of what was known of others."""
    return {name for context in s.contexts for name in context.facts}


def without(s: Scenario, gone: set[str]) -> Scenario:
    """The scenario with the values and facts of these names not known."""

    def kept(values: Mapping[str, float]) -> dict[str, float]:
        return {n: math.nan if n in gone else v for n, v in values.items()}

    windows = tuple(msgspec.structs.replace(w, values=kept(w.values)) for w in s.windows)
    return Scenario(s.name, windows, tuple(Context(kept(c.facts)) for c in s.contexts), s.labels)


def with_holes(s: Scenario) -> Scenario:
    """The scenario with an incomplete window of other values before each of its own."""
    holes = [
        msgspec.structs.replace(w, values=dict.fromkeys(w.values, 1.0), complete=False)
        for w in s.windows
    ]
    return Scenario(
        s.name,
        tuple(w for pair in zip(holes, s.windows, strict=True) for w in pair),
        tuple(c for context in s.contexts for c in (context, context)),
        tuple(label for own in s.labels for label in (False, own)),
    )
