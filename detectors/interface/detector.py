"""What detectors take and give: windows and context in, evidence in nats out.

One unit for every score: surprise, -ln of the probability of something at least this extreme under
the baseline, capped at `SURPRISE_CAP`. Under benign data a surprise above s happens at most about
e^-s of the time, which is what fusion and alert budgets rely on.

A detector has one of two forms, or both. `observe` sees one window of one entity, and may hold
anything in its memory, any River estimator included: the host runs it for a bounded set of active
entities (`Card.active`). `Columnar.observe_columns` sees the closed windows of all entities at once,
with a memory of fixed width per entity: that is for millions. Where there are both, the host runs
the columns, and `check_detector` holds that they agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.interface.family import Family

SURPRISE_CAP = 100.0
SCALE = 1_000.0  # how far deviations, spreads and levels reach: cohorts sum their squares

Entity = Literal["account", "key", "group", "campaign", "organisation", "model", "cohort"]
GROUPS: tuple[Entity, ...] = ("organisation", "model", "cohort")  # of accounts, known by sums
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
    """What a detector is: its name and version, what it reads and keeps, and where it comes from.

    `name` is what labels, evidence and kept state say; its part before the first dot names the section
    of `detectors.toml`. `reads` are features of the entity's windows (`detectors.judging.features`).
    `max_bytes` bounds the memory of one entity, dumped; `active` how many entities one partition holds
    such memories for (0: the detector works on columns and holds all), `least` how many requests a
    window must have for `observe` to be asked. A change of `memory_version` says that memories of other
    versions cannot be read.
    """

    name: str
    version: int
    entity: Entity
    family: Family | None  # None: the family of the key's kind
    window: Span
    reads: tuple[str, ...]
    min_windows: int
    max_bytes: int
    references: tuple[str, ...]
    active: int = 0
    least: int = 0
    memory_version: int = 1

    @property
    def section(self) -> str:
        """Its section in `detectors.toml`."""
        return self.name.partition(".")[0]

    @property
    def tag(self) -> str:
        """What its evidence is signed with: name and version."""
        return f"{self.name}.v{self.version}"


class Window(msgspec.Struct, frozen=True):
    """One closed window of one entity, as a detector sees it.

    `values` holds the features named in the card's `reads`; a missing name means "not known".
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


class Windows(NamedTuple):
    """Closed windows of one span of n entities, in columns.

    `rows` (int64, n) are the entities' rows in the detector's memory. `values` and `facts` (float64,
    n each) hold the features that the card reads and that this span has, and what is known of
    others; nan where not known. All are to be read alone. Times are ms since epoch.
    """

    span: Span
    start: int
    end: int
    complete: bool
    rows: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    facts: Mapping[str, NDArray[np.float64]]


class Scores(NamedTuple):
    """What a detector makes of n windows, in columns; all arrays have length n.

    `odd` (bool): worth telling. `surprise`, `observed`, `expected` (float64): as in `Evidence`;
    `surprise` is nan where the detector cannot say yet. `failed` (bool): its own arithmetic raised for
    that entity, of which nothing was learned. A detector that compares with cohorts also gives
    `deviation` and `spread` (float64, nan: no past of its own) in its own scale, and at
    the end of a day `level`, the day in that scale (nan: none); all within `SCALE`.
    """

    odd: NDArray[np.bool_]
    surprise: NDArray[np.float64]
    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    failed: NDArray[np.bool_]
    deviation: NDArray[np.float64] | None = None
    spread: NDArray[np.float64] | None = None
    level: NDArray[np.float64] | None = None

    @classmethod
    def silent(cls, count: int) -> Scores:
        """Nothing odd in `count` windows, and nothing known."""
        nan = np.full(count, np.nan)
        return cls(np.zeros(count, np.bool_), nan, nan, nan, np.zeros(count, np.bool_))


class Seen(NamedTuple):
    """One odd window in numbers, for `Columnar.evidence` to put into words; `kind` of a key, else -1."""

    observed: float
    expected: float
    surprise: float
    end: int
    kind: int = -1


class Beside(NamedTuple):
    """What an account's cohort shows at a tick, in the detector's own scale.

    `shift` is how the others moved up, `variance` what that adds to what is usual; `level` the mean
    and standard deviation of a day in the cohort, None while it is unknown.
    """

    shift: float
    variance: float
    level: tuple[float, float] | None


M = TypeVar("M")


class Described(Protocol):
    """What every detector has: a frozen object with thresholds as fields, and a card."""

    @property
    def card(self) -> Card:
        """What this detector reads, keeps and cites."""
        ...


@runtime_checkable
class Detector(Described, Protocol[M]):
    """The form that sees one window at a time; everything that changes is in the memory."""

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


@runtime_checkable
class Columnar(Described, Protocol):
    """The form that sees the windows of all entities at once."""

    @property
    def memory(self) -> np.dtype[Any]:
        """Row type of its memory: one row per entity, all zero for one never seen before."""
        ...

    def observe_columns(self, memory: NDArray[Any], windows: Windows) -> Scores:
        """Score n windows, then learn from them where they are complete.

        `memory` is the whole table (of `Columnar.memory`); an entity's row is `memory[rows[i]]`.
        """
        ...

    def evidence(self, seen: Seen) -> Evidence:
        """What an odd window looks like to a reader."""
        ...

    def again(self, memory: NDArray[Any], windows: Windows, place: int) -> None:
        """One window's arithmetic once more, changing nothing and catching nothing.

        So that what it raised, where `Scores.failed` says so, can be named. Arrays as for
        `observe_columns`.
        """
        ...


@runtime_checkable
class Compared(Described, Protocol):
    """A detector of accounts whose findings the campaign owner holds against their cohort.

    The owner sums `Scores.deviation` and `Scores.level` over each cohort, and fades what it knows by
    `cohort_fade` a day.
    """

    @property
    def cohort_fade(self) -> float:
        """The weight of the newest day in what is known of a cohort."""
        ...

    @property
    def cohort_min_spread(self) -> float:
        """The least standard deviation that a cohort's level may have."""
        ...

    def compare(
        self, evidence: Evidence, deviation: float | None, spread: float, beside: Beside
    ) -> Evidence | None:
        """The evidence after the cohort was heard; None: ordinary, or cannot say.

        `deviation` is None for an account without a past of its own.
        """
        ...
