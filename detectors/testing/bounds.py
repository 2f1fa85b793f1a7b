"""Checks of what a detector may take: so many bytes, no clock, no chance, and any input whatever."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.interface.detector import Columnar, Described
from detectors.judging.active import SLOT
from detectors.judging.memory import table_name
from detectors.testing.driver import Driver, Form, run
from detectors.testing.laws import in_each_form
from detectors.testing.sandbox import ForbiddenError, world_forbidden
from detectors.testing.scenarios import Scenario, facts_of, without
from detectors.testing.words import malformed

_WILD = (0.0, -1.0, 1e-300, 1.0, 1e6, 1e18, 1e300, -1e300, math.inf, -math.inf, math.nan)
_BROKEN: tuple[Any, ...] = (None, "", 7, [], {}, [0], [-1, 0.0], [10**6, 1, 2, 3], {"v": 0})


@in_each_form
def bounded_memory(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Under hostile values memory stays within the card's budget and evidence stays well formed."""
    card = detector.card
    if form == "columns" and isinstance(detector, Columnar):
        size = detector.memory.itemsize
        if size > card.max_bytes:
            yield f"{size} bytes per entity; the card allows {card.max_bytes}"
    for s in scenarios:
        windows = []
        for at, window in enumerate(s.windows):
            names = sorted({*window.values, *card.reads})
            wild = {n: _WILD[(at + i) % len(_WILD)] for i, n in enumerate(names)}
            windows.append(msgspec.structs.replace(window, values=wild))
        hostile = msgspec.structs.replace(s, windows=tuple(windows))
        try:
            said = run(detector, hostile, form)
        except Exception as error:
            yield f"{s.name}: {error!r}"
        else:
            yield from malformed(said)


@in_each_form
def pure(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """No clock, no chance, no environment, no files.

    They raise while it runs; names bound before (`from time import time`) escape that, which is why
    determinism is checked too.
    """
    for s in scenarios:
        run(detector, s, form)  # compiles what is to be compiled, which may look at files
        with world_forbidden():
            used = _raised(ForbiddenError, detector, s, form)
        if used is not None:
            yield f"{s.name}: uses {used}"


@in_each_form
def tolerant(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """Values and facts that are not known never raise."""
    for s in scenarios:
        names = sorted({*detector.card.reads} | facts_of(s))
        for gone in [{n} for n in names] + [set(names)]:
            error = _raised(Exception, detector, without(s, gone), form)
            if error is not None:
                yield f"{s.name}: without {', '.join(sorted(gone))}: {error!r}"


@in_each_form
def upgradable(detector: Described, scenarios: Sequence[Scenario], form: Form) -> Iterator[str]:
    """A memory of another version starts fresh, and a broken one does or gives a memory that works."""
    for s in scenarios[:1]:
        driver = Driver(detector, form, (s,))
        driver.drive()
        for what, kept in _broken(driver.kept(), table_name(driver.listener.card)):
            again = Driver(detector, form, (s,))
            try:
                again.host.restore(kept)
                again.drive()
            except Exception as error:
                yield f"{what}: {error!r}"
        newer = msgspec.structs.replace(
            detector.card, memory_version=detector.card.memory_version + 1
        )
        after = Driver(detector, form, (s,), card=newer)
        after.host.restore(driver.kept())
        after.drive()
        if after.said[0] != run(detector, s, form):
            yield "goes on from a memory of another version"


def _raised(
    kind: type[BaseException], detector: Described, scenario: Scenario, form: Form
) -> BaseException | None:
    """What of this kind the detector raises over a scenario."""
    try:
        run(detector, scenario, form)
    except kind as error:
        return error
    return None


def _broken(
    kept: dict[str, NDArray[np.uint8]], table: str
) -> Iterator[tuple[str, dict[str, NDArray[np.uint8]]]]:
    """Kept tables of one entity with another memory in them, and what that is."""
    if f"{table}.bytes" not in kept:
        if table in kept:
            yield "bytes of no meaning", kept | {table: np.full_like(kept[table], 0xFF)}
        return
    room = kept[f"{table}.bytes"]
    size = int(kept[table].view(SLOT)["memory"][0])
    plain = msgspec.msgpack.decode(room[:size].tobytes())
    cuts = [plain[:i] for i in range(len(plain))] if isinstance(plain, list) else []
    for other in [*_BROKEN, *cuts]:
        raw = np.frombuffer(msgspec.msgpack.encode(other), np.uint8)
        slots, memories = kept[table].copy(), room.copy()
        memories[: raw.size] = raw
        slots.view(SLOT)["memory"][0] = raw.size
        yield repr(other), kept | {table: slots, f"{table}.bytes": memories}
