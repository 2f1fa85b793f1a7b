"""Which detectors may run: names that are free, features that exist, a form that the host can call.

A detector of another package may be anything. What could stop a stage later is refused here, by name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import numpy as np

from detectors.errors import ConfigError
from detectors.interface.detector import SCALE, Card, Columnar, Compared, Described, Detector
from detectors.judging.features import resolved

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_TAKEN = frozenset({"engine", "budgets", "fusion", "alerts"})  # other sections of detectors.toml
_MOST = {  # what the numbers of a card may be, from and to
    "version": (1, 1_000_000),
    "memory_version": (1, 1_000_000),
    "min_windows": (0, 1_000_000),
    "max_bytes": (0, 1 << 16),
    "least": (0, 2**53),
}
_MOST_ACTIVE = 10_000
_LONGEST_NAME = 64


def admitted(detectors: Iterable[Described]) -> tuple[Described, ...]:
    """The detectors, in their order.

    Raises ConfigError, which names it, for the first that cannot run: no card or one of other types, a
    name or section that another has, a feature that no window has, neither of the two forms, a memory
    that no table holds, fields that are no thresholds.
    """
    taken: dict[str, str] = {}
    found = []
    for detector in detectors:
        where = f"detector {type(detector).__qualname__} ({type(detector).__module__})"
        try:
            card = detector.card
            if isinstance(card, Card):
                where = f"detector {card.name!r} ({type(detector).__module__})"
            problem = next(_problems(detector, card, taken), None)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(f"{where}: it cannot be asked what it is: {error!r}") from error
        if problem is not None:
            raise ConfigError(f"{where}: {problem}")
        taken |= dict.fromkeys((card.name, card.section), where)
        found.append(detector)
    return tuple(found)


def _problems(detector: Described, card: Any, taken: dict[str, str]) -> Iterator[str]:
    """What is wrong with it; each is right as far as those before it are."""
    yield from _of_types(card)
    yield from _of_names(card, taken)
    yield from _of_thresholds(detector)
    observes, columns = isinstance(detector, Detector), isinstance(detector, Columnar)
    if not observes and not columns:
        yield "it has neither `observe` nor `observe_columns`"
    # Stages that keep a table of entities; of groups none is kept, so that they need no row.
    in_rows = columns and card.entity in ("account", "key", "group")
    if not in_rows and not observes:
        yield f"a detector of a {card.entity} needs `observe`"
    if not (0 if in_rows else 1) <= card.active <= _MOST_ACTIVE:
        yield f"its card's `active` is {card.active}: entities remembered, 1 to {_MOST_ACTIVE}"
    if not any(f.span == card.window for f in resolved(card)):
        yield f"its card's `window` is {card.window!r}, of which it reads nothing"
    for name, (low, high) in _MOST.items():
        if not low <= getattr(card, name) <= high:
            yield f"its card's `{name}` is {getattr(card, name)}; it may be {low} to {high}"
    if isinstance(detector, Columnar):
        yield from _of_memory(detector.memory, card)
    if isinstance(detector, Compared):
        yield from _of_cohorts(detector)


def _of_types(card: Any) -> Iterator[str]:
    if type(card) is not Card:
        yield "its card is no Card"
        return
    given = msgspec.structs.asdict(card)
    try:
        right = msgspec.structs.asdict(msgspec.convert(given, Card))
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        yield f"its card is not as a Card is: {error}"
        return
    for name, value in right.items():
        if type(given[name]) is not type(value):  # converted, as a list to a tuple
            yield f"its card's `{name}` is {given[name]!r}; write {value!r}"


def _of_names(card: Card, taken: dict[str, str]) -> Iterator[str]:
    if not _NAME.fullmatch(card.name):
        yield "its name must be like 'volume' or 'volume.own_past'"
    if len(card.name) > _LONGEST_NAME:
        yield f"its name has more than {_LONGEST_NAME} letters"
    for name in (card.name, card.section):
        if name in taken:
            yield f"{name!r} is taken by {taken[name]}"
        if name in _TAKEN:
            yield f"[{name}] is another section of detectors.toml"


def _of_thresholds(detector: Described) -> Iterator[str]:
    if not is_dataclass(detector) or not type(detector).__dataclass_params__.frozen:
        yield "it must be a frozen dataclass, whose fields are its thresholds"
        return
    for declared in fields(detector):
        if "why" not in declared.metadata:
            yield f"declare its field {declared.name!r} with `tunable` or `switch`"
        value, low, high = (
            getattr(detector, declared.name),
            declared.metadata["low"],
            declared.metadata["high"],
        )
        if type(value) not in (bool, int, float) or not low <= value <= high:
            yield f"its field {declared.name!r} is {value!r}, no number from {low} to {high}"
    for pair in getattr(detector, "IN_ORDER", ()):
        if (
            not all(type(getattr(detector, name)) in (int, float) for name in pair)
            or len(pair) != 2
        ):
            yield f"its IN_ORDER has {pair!r}, which are no two thresholds"


def _of_memory(memory: Any, card: Card) -> Iterator[str]:
    if not isinstance(memory, np.dtype):
        yield f"its `memory` is {memory!r}, no numpy.dtype"
    elif memory.hasobject or memory.shape:
        yield f"its `memory` is {memory}: rows of plain numbers are kept, no objects and no arrays of rows"
    elif card.entity == "group" and memory.itemsize:
        yield "a detector of groups keeps no memory: a group is what it is now"
    elif memory.itemsize > card.max_bytes:
        yield f"its `memory` takes {memory.itemsize} bytes; its card's `max_bytes` is {card.max_bytes}"
    else:
        memory.descr  # noqa: B018 - raises where fields overlap; kept state is known by it


def _of_cohorts(detector: Compared) -> Iterator[str]:
    for name, value, high in (
        ("cohort_fade", detector.cohort_fade, 1.0),
        ("cohort_min_spread", detector.cohort_min_spread, SCALE),
    ):
        if type(value) not in (int, float) or not math.isfinite(value) or not 0.0 <= value <= high:
            yield f"its `{name}` is {value!r}, no number from 0 to {high:g}"
