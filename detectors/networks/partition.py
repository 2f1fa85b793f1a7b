"""The network stage: networks of accounts that share a value, from hand-overs to findings.

One partition owns the values that hash to it, whichever account partitions saw them. A tick closes
when every source has closed it; sources are applied in order of their number, so it does not
matter in which order their hand-overs arrived.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from detectors.births import KeyBirths
from detectors.config import Config
from detectors.exchange.findings import KeyFinding, TickFindings
from detectors.exchange.hand_over import HandOver
from detectors.exchange.loss import Loss
from detectors.interface.clock import DAY_MS, DAY_TICKS, HOUR_TICKS, MINUTE_MS, NO_TIME
from detectors.interface.key_kinds import CROWD_ROOM
from detectors.judging.closing import Tick
from detectors.judging.counters import StageCounters
from detectors.judging.features import Closed
from detectors.judging.host import Host
from detectors.judging.isolation import Isolation
from detectors.networks import layout
from detectors.networks import state as ks
from detectors.networks.apply_tick import apply_tick, joined_rows, joined_tables
from detectors.networks.checkpoint import Progress, checkpoint_of, restore
from detectors.networks.erase import erase_member
from detectors.networks.eviction import expire_keys, make_room
from detectors.networks.finding import finding_of
from detectors.networks.holes import Holes
from detectors.networks.members import settle_crowds
from detectors.networks.newcomers import closed_of, entities_of, joined_windows
from detectors.networks.state import fresh_network_state
from detectors.networks.windows import (
    apply_loads,
    close_days,
    close_hours,
)
from detectors.state.checkpoint import Checkpoint, Restoration

REPORT_HOURS = 6  # a flagged value still in use is reported again this often


class NetworkPartition:
    """Windows of the shared values of one network partition. `source` is its number."""

    def __init__(self, config: Config, source: int) -> None:
        self.source = source
        self.config = config
        self.state = fresh_network_state(config.budgets)
        self.host = Host(config.detectors, "key", config.budgets.shared_keys, peaks=True)
        self.counts = StageCounters()
        self._spans = self.host.spans()
        sources = config.engine.partitions
        self._passed = [NO_TIME] * sources  # last tick that each source has closed
        self._applied = [(NO_TIME, -1)] * sources  # last (tick, part) received
        self._waiting: dict[int, list[HandOver]] = defaultdict(list)
        self._closed = NO_TIME
        self._holes = Holes()
        self._template_distance = config.of(KeyBirths).template_distance
        cap = config.budgets.member_cap * CROWD_ROOM
        self._accounts = np.zeros(cap + 1, np.uint64)
        self._times = np.zeros(cap + 1, np.int64)
        self._orgs = np.zeros(cap + 1, np.uint64)

    @property
    def closed(self) -> int:
        """The last closed tick; far in the past before every source has closed one."""
        return self._closed

    @property
    def passed(self) -> list[int]:
        """The last tick that each source is known to have closed."""
        return self._passed

    def isolations(self) -> dict[str, Isolation]:
        """What each detector raised for, by its name."""
        return self.host.isolations()

    def checkpoint(self) -> Checkpoint:
        """The state as it is now; good until the next input."""
        progress = Progress(
            self._passed,
            self._applied,
            self._closed,
            holes=self._holes.by_tick,
            loss=self._holes.loss,
            unheard=self._holes.unheard,
        )
        waiting = [h for tick in sorted(self._waiting) for h in self._waiting[tick]]
        kept = checkpoint_of(self.state, progress, waiting)
        return kept.also(self.host.tables(int(self.state.scalars[ks.SHARED])))

    def restoration(self) -> Restoration:
        """What fills this partition, still fresh, from kept pages; `restore` ends it."""
        return Restoration(self.state)

    def restore(self, kept: Restoration, rest: bytes) -> None:
        """Go on from the kept state."""
        progress, waiting = restore(kept.tables(), rest)
        self._passed, self._applied = progress.passed, progress.applied
        self._closed = progress.closed
        self._holes = Holes(progress.holes, progress.loss, progress.unheard)
        for hand_over in waiting:
            self._waiting[hand_over.tick].append(hand_over)
        self.host.restore(kept.tables())

    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes of state that are in use, by table."""
        state, s = self.state, self.state.scalars
        return {
            "single_keys": int(state.counters[ks.SINGLES]) * layout.SINGLE.itemsize,
            "shared_keys": int(s[ks.SHARED]) * layout.SHARED.itemsize
            + int(s[ks.NAME_END])
            + state.slots.nbytes,
            "members": int(s[ks.MEMBERS]) * layout.MEMBER.itemsize,
            "templates": state.candidates.nbytes,
            "member_pairs": state.pairs.nbytes,
            **self.host.bytes_by_kind(),
        }

    def receive(self, hand_over: HandOver) -> None:
        """Take one part of a tick; one that was applied before is dropped."""
        source, place = hand_over.source, (hand_over.tick, hand_over.part)
        if place <= self._applied[source]:
            return
        self._applied[source] = place
        if source in self._holes.unheard:
            self._holes.hear(source, hand_over.tick, self._passed)
        if hand_over.rows:
            self._waiting[hand_over.tick].append(hand_over)
        if hand_over.last:
            self._passed[source] = max(self._passed[source], hand_over.tick)

    def lose(self, first: int, end: int) -> None:
        """Hand-overs at these places of its input were deleted unread: evidence that is lost.

        Of each source the hours are incomplete between what it had said and what it says next.
        """
        if self._closed != NO_TIME:
            self._holes.lose(first, end, self._passed, self._closed)

    @property
    def loss(self) -> Loss | None:
        """The last time that hand-overs were deleted unread."""
        return self._holes.loss

    def advance(self) -> list[TickFindings]:
        """Close every tick that all sources have passed, in order."""
        target = min(self._passed)
        if target == NO_TIME or target <= self._closed:
            return []
        if self._closed == NO_TIME:
            first = min(self._waiting, default=target + 1)
            self._closed = min(first, target + 1) - 1
        self.counts.ticks += target - self._closed
        found: list[TickFindings] = []
        tick = self._next(target)
        while tick <= target:
            keys = self._close(tick)
            if keys:
                found.append(TickFindings(tick, keys=tuple(keys)))
            self._closed = tick
            tick = self._next(target)
        self._closed = target
        return found

    def _next(self, target: int) -> int:
        """The next tick in which anything happens: hand-overs, or the end of an hour of open windows."""
        coming = min(self._waiting, default=target + 1)
        scalars = self.state.scalars
        if scalars[ks.SHARED] > scalars[ks.SHARED_FREE]:
            after = self._closed + 1
            return min(coming, after + (HOUR_TICKS - 1 - after) % HOUR_TICKS)
        return coming

    def _close(self, tick: int) -> list[KeyFinding]:
        budgets = self.config.budgets
        end = (tick + 1) * MINUTE_MS
        hour_ends, day_ends = (tick + 1) % HOUR_TICKS == 0, (tick + 1) % DAY_TICKS == 0
        hand_overs = self._waiting.pop(tick, [])
        if hand_overs:
            hand_overs.sort(key=lambda h: (h.source, h.part))
            if missed := sum(h.holes for h in hand_overs):
                self._holes.tell(tick, missed)
            for account in np.unique(np.concatenate([h.erased for h in hand_overs])):
                erase_member(self.state, account)
            self.state = make_room(self.state, hand_overs, self._give_up)
            apply_tick(
                self.state,
                joined_tables(hand_overs),
                tick,
                end,
                budgets.key_expiry_days * DAY_TICKS,
                budgets.member_cap,
                self._template_distance,
            )
        state = self.state
        rows = self._judge_joined(tick, end)
        if hour_ends:
            self.counts.windows["hour"] += close_hours(state)
        if day_ends:
            self.counts.windows["day"] += close_days(state)
            if hand_overs:
                apply_loads(state, joined_rows([h.loads for h in hand_overs]))
            rows |= self._judge_day(tick, end)
        if hour_ends and (tick + 1) // HOUR_TICKS % REPORT_HOURS == 0:
            rows |= self._still_flagged(end)
        findings = [f for row in sorted(rows) if (f := self._finding(tick, row, end))]
        if day_ends:
            before = end - budgets.key_expiry_days * DAY_MS
            self.state = expire_keys(self.state, before, self._give_up)
        return sorted(findings, key=lambda f: (f.kind, f.key))

    def _judge_joined(self, tick: int, end: int) -> set[int]:
        """Have the values judged that new accounts have joined; gives those with evidence now."""
        state = self.state
        touched = state.touched[: state.scalars[ks.TOUCHED]].astype(np.int64)
        if not touched.size:
            return set()
        state.scalars[ks.TOUCHED] = 0
        state.shared["touched"][touched] = 0
        rows = touched[state.shared["hub"][touched] == 0]
        odd: set[int] = set()
        if "minute" in self._spans and rows.size:
            scratch = self._accounts, self._times, self._orgs
            closed = joined_windows(state, rows, end, scratch, self._watched_days)
            odd = self._judge(closed, Tick(tick, "minute", end - MINUTE_MS, end))
        settle_crowds(state, rows, self.config.budgets.member_cap)
        return odd

    def _judge_day(self, tick: int, end: int) -> set[int]:
        """Have the values judged that were used in the day that has closed; gives those with evidence now."""
        if "day" not in self._spans:
            return set()
        shared = self.state.shared[: self.state.scalars[ks.SHARED]]
        rows = np.flatnonzero((shared["used"] == 1) & (shared["past_requests"] > 0))
        if not rows.size:
            return set()
        closed = closed_of(self.state, rows, requests=shared["past_requests"][rows])
        whole = not self._holes.between(end - DAY_MS, end)
        return self._judge(closed, Tick(tick, "day", end - DAY_MS, end, whole))

    def _judge(self, closed: Closed, at: Tick) -> set[int]:
        closings = self.host.close(closed, at)
        rows = {int(closed.rows[f.place]) for _, closing in closings for f in closing.findings}
        self.state.shared["flagged"][list(rows)] = 1
        return rows

    def _give_up(self, rows: NDArray[np.int64]) -> None:
        """The values in these rows are forgotten, and what detectors remember of them."""
        self.host.erase(entities_of(self.state, rows).tolist(), rows)

    def _still_flagged(self, end: int) -> set[int]:
        shared = self.state.shared[: self.state.scalars[ks.SHARED]]
        return {
            int(row)
            for row in np.flatnonzero(
                (shared["used"] == 1) & (shared["flagged"] == 1) & (shared["last"] > end - DAY_MS)
            )
        }

    def _watched_days(self, start: int, stop: int) -> float:
        """Days between two times, ms, without the hours in which the sources' input had holes."""
        return self._holes.watched_days(start, stop, self.config.engine.partitions)

    def _finding(self, tick: int, row: int, end: int) -> KeyFinding | None:
        (entity,) = entities_of(self.state, np.array([row])).tolist()
        kind = int(self.state.shared[row]["kind"])
        evidence = self.host.evidence(entity, row, kind, tick)
        scratch = self._accounts, self._times, self._orgs
        partitions = self.config.engine.partitions
        return finding_of(self.state, row, evidence, end, partitions, scratch) if evidence else None
