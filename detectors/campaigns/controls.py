"""Which control events hold, from which tick: allowances and releases act, the rest is kept.

Of several revisions the highest of those already in effect holds; a higher one takes its place when
it takes effect itself. The tick of effect is decided once, when an event is first read, and logged:
the edge persists the log and gives it back, so that a restart decides nothing anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from detectors.contract.control_event import ControlEvent
from detectors.interface.clock import MINUTE_MS
from detectors.interface.family import Family
from detectors.kernels.siphash import fingerprint


class Written(NamedTuple):
    """One line of the log: a revision of a control event holds from this tick on."""

    control_id: str
    revision: int
    tick: int


class _Kept(msgspec.Struct):
    event: ControlEvent
    tick: int


class KeptControls(msgspec.Struct, frozen=True):
    """A control book as plain data."""

    events: dict[str, dict[int, _Kept]]
    log: list[Written]
    counts: dict[str, int]


class ControlBook:
    """Valid control events, kept until `retention_ticks` after they took effect or ended."""

    def __init__(self, hash_key: bytes, retention_ticks: int) -> None:
        self._hash_key = hash_key
        self._retention = retention_ticks
        self._kept: dict[str, dict[int, _Kept]] = {}
        self._written: dict[tuple[str, int], int] = {}
        self._by_account: dict[int, frozenset[Family]] = {}
        self._by_org: dict[int, frozenset[Family]] = {}
        self.log: list[Written] = []
        self.releases: tuple[tuple[int, str], ...] = ()  # (at, model), those in effect
        self.counts: dict[str, int] = {}  # valid events by kind

    def restore_log(self, log: Iterable[Written]) -> None:
        """Take back the log of an earlier run: events read again take effect at the same ticks."""
        for line in log:
            if line[:2] not in self._written:
                self._written[line[0], line[1]] = line[2]
                self.log.append(Written(*line))

    def kept(self) -> KeptControls:
        """Everything that is kept, as plain data."""
        return KeptControls(self._kept, self.log, self.counts)

    def restore(self, kept: KeptControls, closed: int) -> None:
        """Go on from what was kept when `closed` was the last closed tick."""
        self._kept, self.log, self.counts = kept.events, kept.log, kept.counts
        self._written = {(line[0], line[1]): line[2] for line in self.log}
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
        revisions = self._kept.setdefault(event.control_id, {})
        if event.revision in revisions:
            return ()
        decided = self.effect(event, open_tick)
        if decided is not None:
            self.restore_log([decided])
        tick = self._written[event.control_id, event.revision]
        revisions[event.revision] = _Kept(event, tick)
        self.counts[event.kind] = self.counts.get(event.kind, 0) + 1
        due = [tick]
        if event.until is not None:
            due.append(max(tick, tick_after(event.until)))
        return tuple(due)

    def refresh(self, tick: int) -> bool:
        """Bring what holds up to `tick`; says whether allowances or releases changed."""
        self._forget(tick)
        accounts: dict[int, frozenset[Family]] = {}
        orgs: dict[int, frozenset[Family]] = {}
        releases = []
        for event in self.in_effect(tick):
            if event.kind == "model_release":
                releases.append((event.at, event.model or ""))
            elif event.kind == "allowance" and tick < tick_after(event.until or 0):
                # An account named beside an organisation narrows the allowance to that account.
                if event.account_id:
                    self._allow(accounts, event.account_id, event)
                elif event.org_id:
                    self._allow(orgs, event.org_id, event)
        now = (accounts, orgs, tuple(sorted(releases)))
        changed = now != (self._by_account, self._by_org, self.releases)
        self._by_account, self._by_org, self.releases = now
        return changed

    def in_effect(self, tick: int) -> list[ControlEvent]:
        """The event that holds for each control_id, in order of control_id."""
        holding = []
        for _, revisions in sorted(self._kept.items()):
            live = [r for r, kept in revisions.items() if kept.tick <= tick]
            if live:
                holding.append(revisions[max(live)].event)
        return holding

    @property
    def allowances(self) -> bool:
        """Whether any allowance is in force."""
        return bool(self._by_account or self._by_org)

    def allowed(self, account: int, org: int) -> frozenset[Family]:
        """The families that allowances cover for this account."""
        mine = self._by_account.get(account, frozenset())
        return mine | self._by_org.get(org, frozenset()) if org else mine

    def _allow(self, book: dict[int, frozenset[Family]], subject: str, event: ControlEvent) -> None:
        key = fingerprint(subject.encode(), self._hash_key)
        book[key] = book.get(key, frozenset()) | frozenset(event.families)

    def _forget(self, tick: int) -> None:
        gone = []
        for control_id, revisions in self._kept.items():
            ends = [
                max(kept.tick, tick_after(kept.event.until or 0)) for kept in revisions.values()
            ]
            if max(ends) + self._retention < tick:
                gone.append(control_id)
        for control_id in gone:
            for revision in self._kept.pop(control_id):
                self._written.pop((control_id, revision), None)
        if gone:
            self.log = [line for line in self.log if line[:2] in self._written]


def tick_after(ms: int) -> int:
    """The first tick that begins at `ms` or later."""
    return -(-ms // MINUTE_MS)
