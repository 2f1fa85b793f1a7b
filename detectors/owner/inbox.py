"""What the sources have sent and the owner has not closed yet; order of arrival ends here.

A tick may be closed when every source has passed it. What comes for a tick that its source has
passed, or a second time, is dropped.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from detectors.exchange.activity import (
    ACTIVITY,
    HOLDING,
    SPELLING_TYPES,
    ActivityBatch,
    Spellings,
)
from detectors.exchange.findings import (
    AccountFinding,
    CohortSum,
    GroupSum,
    KeyFinding,
    TickFindings,
)
from detectors.exchange.names import COLUMN_TYPES, NameBatch
from detectors.interface.clock import NO_TIME


class Content(NamedTuple):
    """All that the sources said about one tick, in canonical order."""

    accounts: list[AccountFinding]
    cohorts: list[CohortSum]
    keys: list[KeyFinding]
    names: list[NameBatch]
    groups: list[GroupSum]
    activity: list[ActivityBatch]
    erased: list[int]


class KeptNames(msgspec.Struct, frozen=True, array_like=True):
    """A batch of names as plain data: its columns as bytes."""

    source: int
    tick: int
    columns: list[bytes]

    @classmethod
    def of(cls, batch: NameBatch) -> KeptNames:
        """The batch as bytes."""
        return cls(batch.source, batch.tick, [column.tobytes() for column in batch[2:]])

    def batch(self) -> NameBatch:
        """The batch again."""
        columns = (np.frombuffer(c, t) for c, t in zip(self.columns, COLUMN_TYPES, strict=True))
        return NameBatch(self.source, self.tick, *columns)


class KeptActivity(msgspec.Struct, frozen=True):
    """A part of an hour that waits, as bytes."""

    source: int
    part: int
    tick: int
    accounts: bytes
    holdings: bytes

    def batch(self) -> ActivityBatch:
        """The part again."""
        rows = np.frombuffer(self.accounts, ACTIVITY), np.frombuffer(self.holdings, HOLDING)
        return ActivityBatch(self.source, self.tick, *rows, self.part)


class KeptSpellings(msgspec.Struct, frozen=True, array_like=True):
    """What values are called, as bytes."""

    source: int
    tick: int
    columns: list[bytes]

    def batch(self) -> Spellings:
        """The names again."""
        columns = zip(self.columns, SPELLING_TYPES, strict=True)
        return Spellings(self.source, self.tick, *(np.frombuffer(c, t) for c, t in columns))


class KeptInbox(msgspec.Struct, frozen=True):
    """An inbox as plain data."""

    marks: list[int]
    findings: dict[int, dict[int, list[TickFindings]]]
    names: list[tuple[int, KeptNames]]
    activity: list[KeptActivity] = []
    spellings: list[KeptSpellings] = []


class Inbox:
    """Findings and names by tick and source, and how far each source is."""

    def __init__(self, sources: int) -> None:
        self._marks = [NO_TIME] * sources
        self._findings: dict[int, dict[int, list[TickFindings]]] = {}
        self._names: dict[int, dict[int, list[NameBatch]]] = {}
        self._activity: dict[int, dict[tuple[int, int], ActivityBatch]] = {}
        self._spellings: dict[int, list[Spellings]] = {}

    def kept(self) -> KeptInbox:
        """Everything that waits, as plain data."""
        names = [
            (source, KeptNames.of(batch))
            for by_source in self._names.values()
            for source, batches in by_source.items()
            for batch in batches
        ]
        activity = [
            KeptActivity(*place, tick, batch.accounts.tobytes(), batch.holdings.tobytes())
            for tick, parts in self._activity.items()
            for place, batch in parts.items()
        ]
        spellings = [
            KeptSpellings(b.source, b.tick, [column.tobytes() for column in b[2:]])
            for batches in self._spellings.values()
            for b in batches
        ]
        return KeptInbox(self._marks, self._findings, names, activity, spellings)

    def restore(self, kept: KeptInbox) -> None:
        """Go on from what waited."""
        self._marks, self._findings = kept.marks, kept.findings
        for source, batch in kept.names:
            self._names.setdefault(batch.tick, {}).setdefault(source, []).append(batch.batch())
        for one in kept.activity:
            parts = self._activity.setdefault(one.tick, {})
            parts[one.source, one.part] = one.batch()
        for names in kept.spellings:
            self._spellings.setdefault(names.tick, []).append(names.batch())

    @property
    def sources(self) -> int:
        """How many there are."""
        return len(self._marks)

    @property
    def furthest(self) -> int:
        """The last tick that any source has spoken of."""
        return max([*self._marks, *self.ticks])

    @property
    def ticks(self) -> set[int]:
        """The ticks about which something waits."""
        return self._findings.keys() | self._names.keys() | self._activity.keys()

    def receive(self, source: int, findings: TickFindings) -> bool:
        """Keep a part of a tick; False where it is late or was received before."""
        if findings.tick <= self._marks[source]:
            return False
        parts = self._findings.setdefault(findings.tick, {}).setdefault(source, [])
        if findings in parts:
            return False
        parts.append(findings)
        return True

    def receive_names(self, source: int, names: NameBatch) -> bool:
        """Keep a batch of names; twice does no harm, so only late ones are dropped."""
        if names.tick <= self._marks[source]:
            return False
        self._names.setdefault(names.tick, {}).setdefault(source, []).append(names)
        return True

    def receive_activity(self, source: int, batch: ActivityBatch) -> bool:
        """Keep a part of an hour; False where it is late or was received before."""
        if batch.tick <= self._marks[source]:
            return False
        parts = self._activity.setdefault(batch.tick, {})
        if (source, batch.part) in parts:
            return False
        parts[source, batch.part] = batch
        return True

    def receive_spellings(self, source: int, batch: Spellings) -> None:
        """Keep what values are called; twice does no harm, and no tick is closed for it."""
        if batch.tick > self._marks[source]:
            self._spellings.setdefault(batch.tick, []).append(batch)

    def take_spellings(self, tick: int) -> list[Spellings]:
        """All that was told up to and with a tick, in order; it is not kept any more."""
        ticks = sorted(t for t in self._spellings if t <= tick)
        batches = [sorted(self._spellings.pop(t), key=lambda b: b.source) for t in ticks]
        return [batch for some in batches for batch in some]

    def watermark(self, source: int, tick: int) -> None:
        """Note that everything of a source up to and with `tick` has been received."""
        self._marks[source] = max(self._marks[source], tick)

    @property
    def passed(self) -> int:
        """The tick that all sources have passed."""
        return min(self._marks)

    def take(self, tick: int) -> Content:
        """Everything about a tick; it is not kept any more."""
        by_source = sorted(self._findings.pop(tick, {}).items())
        parts = [part for _, of_source in by_source for part in of_source]
        batches = sorted(self._names.pop(tick, {}).items())
        return Content(
            accounts=sorted((f for part in parts for f in part.accounts), key=_account_order),
            cohorts=[total for part in parts for total in part.cohorts],
            keys=sorted((f for part in parts for f in part.keys), key=_key_order),
            names=[batch for _, of_source in batches for batch in of_source],
            groups=[one for part in parts for one in part.groups],
            activity=[batch for _, batch in sorted(self._activity.pop(tick, {}).items())],
            erased=sorted({account for part in parts for account in part.erased}),
        )


def _account_order(finding: AccountFinding) -> tuple[int, str, int, str, float, int]:
    evidence = finding.evidence
    return (
        finding.account,
        evidence.detector,
        evidence.window_start,
        evidence.parameter,
        finding.deviation or 0.0,
        finding.requests,
    )


def _key_order(finding: KeyFinding) -> tuple[int, int, float, tuple[int, ...]]:
    return finding.kind, finding.key, finding.surprise, finding.members
