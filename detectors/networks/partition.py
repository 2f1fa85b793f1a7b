"""The key stage: networks of accounts that share a value, from hand-overs to findings.

One partition owns the values that hash to it, whichever account partitions saw them. A tick closes
when every source has closed it; sources are applied in order of their number, so it does not
matter in which order their hand-overs arrived.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from detectors.births import births_surprise, rarity_weight
from detectors.config import Config
from detectors.contract.request_event import IP_CLASSES
from detectors.exchange.findings import KeyFinding, TickFindings
from detectors.exchange.hand_over import HandOver
from detectors.interface.clock import DAY_MS, DAY_TICKS, HOUR_TICKS, MINUTE_MS, NO_TIME, WEEK_MS
from detectors.interface.key_kinds import KINDS, TEMPLATE
from detectors.judging.counters import Tally
from detectors.networks import layout
from detectors.networks import state as ks
from detectors.networks.apply_tick import apply_tick, joined_rows, joined_tables
from detectors.networks.checkpoint import Progress, checkpoint_of, restore
from detectors.networks.erase import erase_member
from detectors.networks.eviction import expire_keys, make_room
from detectors.networks.state import fresh_network_state
from detectors.networks.windows import (
    apply_loads,
    close_days,
    close_hours,
    joined,
    parties,
)
from detectors.state.checkpoint import Checkpoint, Restoration

REPORT_HOURS = 6  # a flagged value still in use is reported again this often
MOST_HOLES = 1_000  # ticks that told of incomplete hours; older ones are taken for whole
UNKNOWN_CLASS = IP_CLASSES.index("unknown")


class NetworkPartition:
    """Windows of the shared values of one key partition. `source` is its number."""

    def __init__(self, config: Config, source: int) -> None:
        self.source = source
        self.config = config
        self.state = fresh_network_state(config.budgets)
        self.tally = Tally()
        self._attempt = self.tally.aside.attempt
        sources = config.engine.partitions
        self._passed = [NO_TIME] * sources  # last tick that each source has closed
        self._applied = [(NO_TIME, -1)] * sources  # last (tick, part) received
        self._waiting: dict[int, list[HandOver]] = defaultdict(list)
        self._closed = NO_TIME
        self._holes: dict[int, int] = {}  # tick -> hours of input that its sources had missed
        self._priors = config.births.priors()
        cap = config.budgets.member_cap
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

    def checkpoint(self) -> Checkpoint:
        """The state as it is now; good until the next input."""
        progress = Progress(self._passed, self._applied, self._closed, holes=self._holes)
        waiting = [h for tick in sorted(self._waiting) for h in self._waiting[tick]]
        return checkpoint_of(self.state, progress, waiting)

    def restoration(self) -> Restoration:
        """What fills this partition, still fresh, from kept pages; `restore` ends it."""
        return Restoration(self.state)

    def restore(self, kept: Restoration, rest: bytes) -> None:
        """Go on from the kept state."""
        progress, waiting = restore(kept.tables(), rest)
        self._passed, self._applied = progress.passed, progress.applied
        self._closed, self._holes = progress.closed, progress.holes
        for hand_over in waiting:
            self._waiting[hand_over.tick].append(hand_over)

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
        }

    def receive(self, hand_over: HandOver) -> None:
        """Take one part of a tick; one that was applied before is dropped."""
        source, place = hand_over.source, (hand_over.tick, hand_over.part)
        if place <= self._applied[source]:
            return
        self._applied[source] = place
        if hand_over.rows:
            self._waiting[hand_over.tick].append(hand_over)
        if hand_over.last:
            self._passed[source] = max(self._passed[source], hand_over.tick)

    def advance(self) -> list[TickFindings]:
        """Close every tick that all sources have passed, in order."""
        target = min(self._passed)
        if target == NO_TIME or target <= self._closed:
            return []
        if self._closed == NO_TIME:
            first = min(self._waiting, default=target + 1)
            self._closed = min(first, target + 1) - 1
        self.tally.ticks += target - self._closed
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
                self._holes[tick] = missed
                self._holes = dict(list(self._holes.items())[-MOST_HOLES:])
            for account in np.unique(np.concatenate([h.erased for h in hand_overs])):
                erase_member(self.state, account)
            self.state = make_room(self.state, hand_overs)
            apply_tick(
                self.state,
                joined_tables(hand_overs),
                tick,
                end,
                budgets.key_expiry_days * DAY_TICKS,
                budgets.member_cap,
                self.config.births.template_distance,
            )
        state = self.state
        if hour_ends:
            self.tally.windows["hour"] += close_hours(state)
        if day_ends:
            self.tally.windows["day"] += close_days(state)
            if hand_overs:
                apply_loads(state, joined_rows([h.loads for h in hand_overs]))
        rows: set[int] = set()
        if state.scalars[ks.TOUCHED]:
            touched = state.touched[: state.scalars[ks.TOUCHED]].tolist()
            state.scalars[ks.TOUCHED] = 0
            state.shared["touched"][touched] = 0
            started, raised = self.tally.clock(), self.tally.aside.times
            rows = {row for row in touched if self._attempt(tick, row, self._judge, row, end)}
            self.tally.aside.judged(len(touched), raised)
            self.tally.detector_seconds += self.tally.clock() - started
        if hour_ends and (tick + 1) // HOUR_TICKS % REPORT_HOURS == 0:
            rows |= self._still_flagged(end)
        findings = [
            f for row in sorted(rows) if (f := self._attempt(tick, row, self._finding, row, end))
        ]
        if day_ends:
            self.state = expire_keys(self.state, end - budgets.key_expiry_days * DAY_MS)
        return sorted(findings, key=lambda f: (f.kind, f.key))

    def _still_flagged(self, end: int) -> set[int]:
        shared = self.state.shared[: self.state.scalars[ks.SHARED]]
        return {
            int(row)
            for row in np.flatnonzero(
                (shared["used"] == 1) & (shared["flagged"] == 1) & (shared["last"] > end - DAY_MS)
            )
        }

    def _judge(self, row: int, end: int) -> bool:
        """Score the births of a key; keep the strongest evidence; True where it is evidence now."""
        shared = self.state.shared[row]
        if shared["hub"]:
            return False
        week = joined(self.state, row, end - WEEK_MS, self._accounts, self._times, self._orgs)
        if week < self.config.births.min_parties:
            return False
        orgs, times = self._orgs[:week], self._times[:week]
        week_parties, _, _ = parties(orgs)
        day_parties, _, _ = parties(orgs[times >= end - DAY_MS])
        kind = int(shared["kind"])
        ip_class = int(shared["ip_class"])
        prior = self._priors[kind, ip_class if ip_class < len(IP_CLASSES) else UNKNOWN_CLASS]
        own_days = self._watched_days(int(shared["first"]), end - WEEK_MS)
        own_births = max(0, int(shared["births"]) - week) if own_days > 0 else 0
        surprise, expected = births_surprise(
            float(day_parties),
            float(week_parties),
            float(prior[0]),
            float(prior[1]),
            float(own_births),
            own_days,
        )
        odd = (
            week_parties >= self.config.births.min_parties
            and surprise >= self.config.births.min_surprise
        )
        if odd:
            shared["flagged"] = 1
            if surprise > shared["peak_surprise"]:
                shared["peak_surprise"] = surprise
                shared["peak_observed"] = week_parties
                shared["peak_expected"] = expected
                shared["peak_start"] = end - WEEK_MS
                shared["peak_end"] = end
        return bool(odd)

    def _watched_days(self, start: int, stop: int) -> float:
        """Days between two times, ms, without the hours in which the sources' input had holes."""
        if stop <= start:
            return 0.0
        missed = sum(h for t, h in self._holes.items() if start <= t * MINUTE_MS < stop)
        hours = missed / self.config.engine.partitions
        return max(0.0, (stop - start) / DAY_MS - hours / 24)

    def _finding(self, row: int, end: int) -> KeyFinding | None:
        state = self.state
        shared = state.shared[row]
        count = joined(
            state, row, int(shared["peak_start"]), self._accounts, self._times, self._orgs
        )
        if count == 0:
            return None
        order = np.lexsort((self._accounts[:count], self._times[:count]))
        _, dominant, inside = parties(self._orgs[:count])
        kind = int(shared["kind"])
        population = int(state.announced[kind]) * self.config.engine.partitions
        return KeyFinding(
            kind=kind,
            # All bands of a template are one signal: they report under its representative.
            key=int(shared["template"]) if kind == TEMPLATE else int(shared["key"]),
            value_fp=self._name(row),
            surprise=float(shared["peak_surprise"]),
            evidence=self.config.births.evidence(
                kind,
                float(shared["peak_observed"]),
                float(shared["peak_expected"]),
                float(shared["peak_surprise"]),
                int(shared["peak_start"]),
                int(shared["peak_end"]),
            ),
            members=tuple(int(a) for a in self._accounts[:count][order]),
            accounts=int(shared["accounts"]),
            weight=rarity_weight(int(shared["accounts"]), max(population, 1), kind),
            dominant_org=int(dominant),
            in_dominant_org=int(inside),
            first_seen=int(shared["first"]),
            last_seen=min(int(shared["last"]), end),
            requests=int(
                shared["past_requests"] + shared["day_requests"] + shared["hour_requests"]
            ),
            output_tokens=int(shared["past_output"] + shared["day_output"] + shared["hour_output"]),
            capabilities=tuple(
                int(c) for c in shared["capability"].astype(np.int64) + shared["past_capability"]
            ),
        )

    def _name(self, row: int) -> str:
        shared = self.state.shared[row]
        if shared["kind"] == TEMPLATE:
            return f"{int(shared['template']):016x}"
        if shared["name_len"] == 0:
            return f"{KINDS[int(shared['kind'])].field}:{int(shared['key']):016x}"
        at = int(shared["name_at"])
        return bytes(self.state.names[at : at + int(shared["name_len"])]).decode("utf-8", "replace")
