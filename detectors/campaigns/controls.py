"""Which control events hold, from which tick: allowances and releases act, the rest is kept.

Of several revisions the highest of those already in effect holds; a higher one takes its place when
it takes effect itself. The tick of effect is decided once, when an event is first read, and logged:
the edge persists the log and gives it back, so that a restart decides nothing anew.

An event is looked at in the ticks in which it may begin, end or be forgotten, and in no other, so
that a year of them costs what it brings, not its square. Of the revisions that a higher one has
replaced, only the one that lasts longest is kept: as long as that, the control_id is known.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from detectors.campaigns.revisions import Kept, Revisions, tick_after
from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import NO_TIME
from detectors.interface.family import Family
from detectors.kernels.siphash import fingerprint


class Written(NamedTuple):
    """One line of the log: a revision of a control event holds from this tick on."""

    control_id: str
    revision: int
    tick: int


class Review(NamedTuple):
    """What control events have changed: for whom other families are allowed, and which releases."""

    accounts: frozenset[int]
    orgs: frozenset[int]
    releases: tuple[tuple[int, str], ...]  # (at, model) that came or went, in order


class _Holding(NamedTuple):
    """What one control_id brings into force: a release, or families for an account or organisation."""

    about: Literal["release", "account", "org"]
    subject: int  # fingerprint, or the release's time
    families: tuple[Family, ...] = ()
    model: str = ""


class KeptControls(msgspec.Struct, frozen=True):
    """A control book as plain data."""

    events: dict[str, dict[int, Kept]]
    log: list[Written]
    counts: dict[str, int]


class ControlBook:
    """Valid control events, kept until `retention_ticks` after they took effect or ended."""

    def __init__(self, hash_key: bytes, retention_ticks: int) -> None:
        self._hash_key = hash_key
        self._retention = retention_ticks
        self._revisions: dict[str, Revisions] = {}
        self._written: dict[tuple[str, int], int] = {}  # in the order of writing
        self._lines: dict[
            str, list[int]
        ] = {}  # of which revisions, by control_id: kept or replaced
        self._due: dict[int, set[str]] = {}  # control_ids to be looked at, by tick
        self._ticks: list[int] = []  # heap of those ticks
        self._refreshed = NO_TIME
        self._holding: dict[str, _Holding] = {}
        self._allowed: dict[Literal["account", "org"], dict[int, Counter[Family]]] = {
            "account": {},
            "org": {},
        }
        self.releases: list[tuple[int, str]] = []  # (at, model), those in effect, in order
        self.counts: dict[str, int] = {}  # valid events by kind

    @property
    def log(self) -> list[Written]:
        """What was written down of the events that are kept, in order."""
        return [Written(*line, tick) for line, tick in self._written.items()]

    def restore_log(self, log: Iterable[Written]) -> None:
        """Take back the log of an earlier run: events read again take effect at the same ticks."""
        for control_id, revision, tick in log:
            if (control_id, revision) not in self._written:
                self._written[control_id, revision] = tick
                self._lines.setdefault(control_id, []).append(revision)

    def kept(self) -> KeptControls:
        """Everything that is kept, as plain data."""
        events = {c: revisions.kept for c, revisions in self._revisions.items()}
        return KeptControls(events, self.log, self.counts)

    def restore(self, kept: KeptControls, closed: int) -> None:
        """Go on from what was kept when `closed` was the last closed tick."""
        self._revisions = {c: Revisions(revisions) for c, revisions in kept.events.items()}
        self.counts = kept.counts
        self._written, self._lines = {}, {}
        self.restore_log(kept.log)
        for control_id, revisions in kept.events.items():
            for one in revisions.values():
                self._look_again(control_id, one)
        self.refresh(closed)

    def effect(self, event: ControlEvent, open_tick: int) -> Written | None:
        """From when an event will hold that no log tells of yet; None for one that was written down.

        `open_tick` is the first tick that is not closed.
        """
        if (event.control_id, event.revision) in self._written:
            return None
        tick = max(tick_after(max(event.at, event.recorded_at)), open_tick)
        return Written(event.control_id, event.revision, tick)

    def accept(self, event: ControlEvent, open_tick: int) -> tuple[int, ...]:
        """Keep an event; `open_tick` is the first that is not closed yet.

        Returns the ticks at which something may change (effect, end); none for one known already.
        """
        revisions = self._revisions.get(event.control_id)
        if revisions is None:
            revisions = self._revisions[event.control_id] = Revisions({})
        known = (event.control_id, event.revision) in self._written
        if event.revision in revisions.kept or (known and revisions.replaced(event.revision)):
            return ()  # of the replaced ones not all are kept
        decided = self.effect(event, open_tick)
        if decided is not None:
            self.restore_log([decided])
        tick = self._written[event.control_id, event.revision]
        one = Kept(event, tick)
        revisions.add(one, self._refreshed)
        self._look_again(event.control_id, one)
        self.counts[event.kind] = self.counts.get(event.kind, 0) + 1
        due = [tick]
        if event.until is not None:
            due.append(max(tick, tick_after(event.until)))
        return tuple(due)

    def refresh(self, tick: int) -> Review | None:
        """Bring what holds up to `tick`; gives what changed of allowances and releases, if anything.

        The cost is that of the events which may begin, end or be forgotten since the last time.
        """
        self._refreshed = max(self._refreshed, tick)
        looked_at: set[str] = set()
        while self._ticks and self._ticks[0] <= tick:
            looked_at |= self._due.pop(heapq.heappop(self._ticks))
        before: dict[tuple[Literal["account", "org"], int], frozenset[Family]] = {}
        releases: Counter[tuple[int, str]] = Counter()
        for control_id in sorted(looked_at):
            was = self._holding.pop(control_id, None)
            now = self._holds(control_id, tick)
            if now is not None:
                self._holding[control_id] = now
            for one, sign in ((was, -1), (now, 1)):
                if one is None:
                    continue
                if one.about == "release":
                    releases[one.subject, one.model] += sign
                else:
                    who = one.about, one.subject
                    before.setdefault(who, self._families(*who))
                    self._allow(one, sign)
        changed = tuple(sorted(release for release, sign in releases.items() if sign))
        for release in changed:
            self._count_release(release, releases[release])
        moved = {who for who, was in before.items() if self._families(*who) != was}
        if not moved and not changed:
            return None
        return Review(
            frozenset(subject for about, subject in moved if about == "account"),
            frozenset(subject for about, subject in moved if about == "org"),
            changed,
        )

    def in_effect(self, tick: int) -> list[ControlEvent]:
        """The event that holds for each control_id, in order of control_id."""
        holding = (self._revisions[control_id].at(tick) for control_id in sorted(self._revisions))
        return [event for event in holding if event is not None]

    @property
    def allowances(self) -> bool:
        """Whether any allowance is in force."""
        return bool(self._allowed["account"] or self._allowed["org"])

    def allowed(self, account: int, org: int) -> frozenset[Family]:
        """The families that allowances cover for this account."""
        mine = self._families("account", account)
        return mine | self._families("org", org) if org else mine

    def released(self, after: int, before: int) -> bool:
        """Whether a model was released after the one and before the other time (ms, both excluded)."""
        first = bisect_right(self.releases, after, key=lambda release: release[0])
        return first < len(self.releases) and self.releases[first][0] < before

    def _families(self, about: Literal["account", "org"], subject: int) -> frozenset[Family]:
        return frozenset(self._allowed[about].get(subject, ()))

    def _allow(self, one: _Holding, sign: int) -> None:
        """Count an allowance in, or out."""
        assert one.about != "release"
        book = self._allowed[one.about]
        counts = book.setdefault(one.subject, Counter())
        for family in one.families:
            counts[family] += sign
            if not counts[family]:
                del counts[family]
        if not counts:
            del book[one.subject]

    def _count_release(self, release: tuple[int, str], sign: int) -> None:
        for _ in range(sign):
            insort(self.releases, release)
        for _ in range(-sign):
            del self.releases[bisect_left(self.releases, release)]

    def _holds(self, control_id: str, tick: int) -> _Holding | None:
        """What a control_id has in force at a tick; forgets it when its retention is over."""
        revisions = self._revisions.get(control_id)
        if revisions is None:
            return None
        if revisions.end + self._retention < tick:
            del self._revisions[control_id]
            for revision in self._lines.pop(control_id, ()):
                del self._written[control_id, revision]
            return None
        event = revisions.look(tick)
        if event is None:
            return None
        if event.kind == "model_release":
            return _Holding("release", event.at, model=event.model or "")
        if event.kind == "allowance" and tick < tick_after(event.until or 0):
            families = tuple(sorted(set(event.families)))
            # An account named beside an organisation narrows the allowance to that account.
            if families and event.account_id:
                return _Holding("account", self._fingerprint(event.account_id), families)
            if families and event.org_id:
                return _Holding("org", self._fingerprint(event.org_id), families)
        return None

    def _fingerprint(self, subject: str) -> int:
        return fingerprint(subject.encode(), self._hash_key)

    def _look_again(self, control_id: str, one: Kept) -> None:
        """Look at a control_id in the ticks in which this revision begins, ends and may be forgotten."""
        for tick in (one.tick, one.end, one.end + self._retention + 1):
            if tick not in self._due:
                heapq.heappush(self._ticks, tick)
            self._due.setdefault(tick, set()).add(control_id)
