"""What detectors take and give: windows and context in, evidence in nats out.

One unit for every score: surprise, -ln of the probability of something at least this extreme under
the baseline, capped at `SURPRISE_CAP`. Under benign data a surprise above s happens at most about
e^-s of the time, which is what fusion and alert budgets rely on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from detectors.interface.family import Family

SURPRISE_CAP = 100.0

Entity = Literal["account", "key"]
Span = Literal["minute", "hour", "day"]


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """One odd thing, explained: what was seen, what is normal, and how unlikely that is.

    `surprise` is in nats; `window_start` and `window_end` are ms since epoch, the end exclusive.
    """

    detector: str
    family: Family
    parameter: str
    observed: float
    expected: float
    unit: str
    surprise: float
    window_start: int
    window_end: int
    sample_event_ids: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """What a detector is: its name and version, what it reads and keeps, and where it comes from."""

    name: str
    version: int
    entity: Entity
    family: Family | None  # None: the family of the key's kind
    window: Span
    reads: tuple[str, ...]
    min_windows: int
    max_bytes: int
    references: tuple[str, ...]


class Window(msgspec.Struct, frozen=True):
    """One closed window of one entity, as a detector sees it.

    `values` holds the columns named in the card's `reads`; a missing name means "not known".
    `complete` is False where an input outage left a hole: score it if you must, never learn from it.
    """

    start: int
    end: int
    values: Mapping[str, float]
    complete: bool = True


class Context(msgspec.Struct, frozen=True):
    """What a detector may know of others: frozen facts, published before they are used.

    `facts` maps a name the detector's docstring lists (`cohort_shift`, `kind`, ...) to its value.
    """

    facts: Mapping[str, float] = {}


M = TypeVar("M")


class Detector(Protocol[M]):
    """A frozen object with thresholds as fields; everything that changes is in the memory."""

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        ...

    def fresh(self) -> M:
        """Memory of an entity never seen before."""
        ...

    def observe(self, memory: M, window: Window, context: Context) -> tuple[Evidence, ...] | None:
        """Score the window, then learn from it.

        None means "cannot say yet" (warm-up); an empty tuple means "looked, nothing odd".
        """
        ...

    def dump(self, memory: M) -> Any:
        """The memory as plain data (numbers, strings, lists, dicts), its version first."""
        ...

    def restore(self, plain: Any) -> M | None:
        """The memory that a dump stands for; None where it cannot be told: start fresh."""
        ...
