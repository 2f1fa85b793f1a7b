"""Which detectors may run: names that are free, features that exist, a form that the host can call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import fields, is_dataclass

from detectors.errors import ConfigError
from detectors.interface.detector import Columnar, Described, Detector
from detectors.judging.features import resolved

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_TAKEN = frozenset({"engine", "budgets", "fusion", "alerts"})  # other sections of detectors.toml
_MOST_ACTIVE = 10_000
_MOST_BYTES = 1 << 16


def admitted(detectors: Iterable[Described]) -> tuple[Described, ...]:
    """The detectors, in their order.

    Raises ConfigError, which names it, for the first that cannot run: a name or section that another
    has, a feature that no window has, neither of the two forms, fields that are no thresholds.
    """
    taken: dict[str, str] = {}
    found = []
    for detector in detectors:
        where = f"detector {detector.card.name!r} ({type(detector).__module__})"
        for problem in _problems(detector, taken):
            raise ConfigError(f"{where}: {problem}")
        resolved(detector.card)
        taken |= dict.fromkeys((detector.card.name, detector.card.section), where)
        found.append(detector)
    return tuple(found)


def _problems(detector: Described, taken: dict[str, str]) -> Iterable[str]:
    card = detector.card
    if not _NAME.fullmatch(card.name):
        yield "its name must be like 'volume' or 'volume.own_past'"
    for name in (card.name, card.section):
        if name in taken:
            yield f"{name!r} is taken by {taken[name]}"
        if name in _TAKEN:
            yield f"[{name}] is another section of detectors.toml"
    if not is_dataclass(detector) or not type(detector).__dataclass_params__.frozen:
        yield "it must be a frozen dataclass, whose fields are its thresholds"
        return
    for declared in fields(detector):
        if "why" not in declared.metadata:
            yield f"declare its field {declared.name!r} with `tunable` or `switch`"
    observes, columns = isinstance(detector, Detector), isinstance(detector, Columnar)
    if not observes and not columns:
        yield "it has neither `observe` nor `observe_columns`"
    if card.entity not in ("account", "key") and not observes:
        yield f"a detector of a {card.entity} needs `observe`"
    if not columns and not 0 < card.active <= _MOST_ACTIVE:
        yield f"its card's `active` is {card.active}: entities remembered, 1 to {_MOST_ACTIVE}"
    if not any(f.span == card.window for f in resolved(card)):
        yield f"its card's `window` is {card.window!r}, of which it reads nothing"
    if not 0 <= card.max_bytes <= _MOST_BYTES:
        yield f"its card's `max_bytes` is {card.max_bytes}; it may be 0 to {_MOST_BYTES}"
