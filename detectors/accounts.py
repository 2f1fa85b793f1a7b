"""The account stage: one partition of requests, from decoded events to hand-overs and findings.

Windows are kept in event time. The watermark is the greatest event time minus the allowed
lateness; a tick closes when it passes, exactly once, in order, and everything that depends on
order (hours, days, learning, eviction) happens there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors import account_state as st
from detectors import layout
from detectors.account_state import DAY_MS, MINUTE_MS, NO_TIME
from detectors.close_hour import COHORTS, FOUND, LOAD_SLICE, close_day, close_hour
from detectors.close_minute import close_minute, count_rows, key_sums, rows_of_tick
from detectors.config import Config
from detectors.decode import Decoded
from detectors.eviction import evict, expired, least_wanted
from detectors.findings import AccountFinding, CohortSum, TickFindings
from detectors.handover import HandOver, with_own_names
from detectors.ingest import ACCOUNTS_FULL, BUFFERS_FULL, DONE, MINUTES_FULL, TICK_PASSED, ingest
from detectors.kinds import ACCOUNT_KINDS
from detectors.names import NameBatch
from detectors.prompts import BANDS, rows_per_band
from detectors.routing import targets_of

GROW_EDGES, GROW_NAMES = 2 * ACCOUNT_KINDS, 4096


class ClosedTick(NamedTuple):
    """What one closed tick of an account partition says: per key partition, and to the owner."""

    tick: int
    hand_overs: dict[int, HandOver]
    findings: TickFindings | None
    names: NameBatch | None


class AccountPartition:
    """Windows of the accounts of one partition. `source` is the partition's number."""

    def __init__(self, config: Config, source: int) -> None:
        self.source = source
        self.config = config
        self.state = st.fresh_state(config.engine, config.budgets)
        self._volume = config.volume.params()
        self._lateness = config.engine.allowed_lateness_minutes * MINUTE_MS
        self._period = config.budgets.key_expiry_days * 1440
        self._new_account = int(config.births.new_account_days * DAY_MS)
        self._keys = np.zeros(ACCOUNT_KINDS, np.uint64)
        self._scratch = key_sums(4096)
        self._found = np.zeros(4096, FOUND)

    @property
    def closed(self) -> int:
        """The last closed tick; far in the past before the first event."""
        return int(self.state.scalars[st.CLOSED])

    @property
    def watermark(self) -> int:
        """Event time up to which nothing more is expected, ms; NO_TIME before the first event."""
        scalars = self.state.scalars
        if scalars[st.MAX_TIME] == NO_TIME:
            return int(scalars[st.MARK])
        return int(max(scalars[st.MAX_TIME] - self._lateness, scalars[st.MARK]))

    @property
    def counters(self) -> np.ndarray:
        """What happened to events so far, by the places named in `account_state`."""
        return self.state.counters

    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes of state that are in use, by table."""
        state, s = self.state, self.state.scalars
        return {
            "accounts": int(s[st.ACCOUNTS]) * (layout.ACCOUNT.itemsize + layout.WINDOW.itemsize)
            + int(s[st.ID_END])
            + state.slots.nbytes,
            "account_hours": int(s[st.HOUR_TOP]) * layout.WINDOW.itemsize,
            "account_minutes": int(s[st.MINUTE_TOP]) * layout.MINUTE.itemsize
            + state.minute_heads.nbytes,
            "dedupe": state.dedupe.nbytes,
            "sightings": state.sightings.nbytes,
        }

    def ingest(self, decoded: Decoded, rows: np.ndarray | None = None) -> list[ClosedTick]:
        """Take a batch (or the events in `rows` of it) and close what its watermark passes."""
        events = decoded.events if rows is None else decoded.events[rows]
        closed: list[ClosedTick] = []
        at = 0
        while at < events.size:
            at, why = ingest(
                self.state,
                events,
                at,
                events.size,
                decoded.buffer,
                self._lateness,
                self._period,
                self._new_account,
                self._keys,
            )
            if why == DONE:
                break
            if why == TICK_PASSED:
                closed += self._close_passed()
            elif why == BUFFERS_FULL:
                self._make_room()
            elif why == ACCOUNTS_FULL:
                at += self._admit_by_eviction()
            elif why == MINUTES_FULL:
                self.state.counters[st.MINUTE_OVERFLOW] += 1
                at += 1
        return closed

    def raise_mark(self, watermark_ms: int) -> list[ClosedTick]:
        """Apply a written idle mark: this partition expects nothing before `watermark_ms`."""
        scalars = self.state.scalars
        if watermark_ms <= self.watermark:
            return []
        scalars[st.MARK] = watermark_ms
        if scalars[st.CLOSED] == NO_TIME:
            scalars[st.CLOSED] = watermark_ms // MINUTE_MS - 1
        return self._close_passed()

    def drain(self) -> list[ClosedTick]:
        """Close everything that is open, as if time went on; for the end of a file, on request."""
        if self.closed == NO_TIME:
            return []
        greatest = int(self.state.scalars[st.MAX_TIME])
        return self.raise_mark((greatest // DAY_MS + 1) * DAY_MS)

    # -- closing ------------------------------------------------------------------------------

    def _close_passed(self) -> list[ClosedTick]:
        target = self.watermark // MINUTE_MS - 1
        closed: list[ClosedTick] = []
        scalars = self.state.scalars
        tick = self.closed + 1
        while tick <= target:
            if self._nothing_open():
                break
            done = self._close(tick)
            scalars[st.CLOSED] = tick
            if done is not None:
                closed.append(done)
            tick += 1
        scalars[st.CLOSED] = max(target, self.closed)
        return closed

    def _nothing_open(self) -> bool:
        s = self.state.scalars
        return bool(
            s[st.MINUTE_TOP] == s[st.MINUTE_FREE]
            and s[st.HOUR_TOP] == s[st.HOUR_FREE]
            and s[st.EDGES] == 0
            and s[st.NEWCOMERS] == 0
            and not self._days_open
        )

    _days_open = False

    def _close(self, tick: int) -> ClosedTick | None:
        state = self.state
        outbox = Outbox(self.source, tick, self.config.engine.partitions)
        count = count_rows(state, tick)
        if count:
            self._days_open = True
            rows = np.empty(count, np.int32)
            rows_of_tick(state, tick, rows)
            minutes = state.minutes
            rows = rows[np.lexsort((minutes["keyset"][rows], minutes["account"][rows]))]
            if self._scratch.sums.size < count * ACCOUNT_KINDS:
                self._scratch = key_sums(count * ACCOUNT_KINDS * 3 // 2)
            used = close_minute(state, tick, rows, self._scratch)
            outbox.add_sums(self._scratch.sums[:used])
            self._hand_over_prompts(tick, outbox)
        self._hand_over_edges(tick, outbox)
        found, cohorts = (), ()
        if (tick + 1) % 60 == 0:
            found, cohorts = self._close_hour(tick, outbox)
        names = self._newcomers(tick)
        hand_overs = outbox.hand_overs()
        findings = TickFindings(tick, found, cohorts) if found or cohorts else None
        if not hand_overs and findings is None and names is None:
            return None
        return ClosedTick(tick, hand_overs, findings, names)

    def _close_hour(
        self, tick: int, outbox: Outbox
    ) -> tuple[tuple[AccountFinding, ...], tuple[CohortSum, ...]]:
        state = self.state
        shifts = np.zeros((COHORTS, 3), np.int64)
        levels = np.zeros((COHORTS, 3), np.int64)
        open_hours = int(state.scalars[st.HOUR_TOP])
        if self._found.size < open_hours:
            self._found = np.zeros(open_hours * 3 // 2, FOUND)
        volume = self.config.volume
        count = close_hour(
            state,
            tick,
            self._volume,
            volume.min_requests,
            volume.newcomer_requests,
            volume.min_surprise,
            self._found,
            shifts,
        )
        found = self._found[:count]
        findings = tuple(sorted((self._finding(tick, f) for f in found), key=lambda f: f.account))
        if (tick + 1) % 1440 == 0:
            self._close_day(tick, levels, outbox)
        cohorts = tuple(
            CohortSum(int(c), *(int(v) for v in shifts[c]), *(int(v) for v in levels[c]))
            for c in np.flatnonzero(shifts[:, 0] + levels[:, 0])
        )
        return findings, cohorts

    def _close_day(self, tick: int, levels: np.ndarray, outbox: Outbox) -> None:
        state = self.state
        top = int(state.scalars[st.ACCOUNTS])
        needed = min(top, LOAD_SLICE) * ACCOUNT_KINDS
        if self._scratch.sums.size < needed:
            self._scratch = key_sums(needed)
        for start in range(0, top, LOAD_SLICE):
            stop = min(start + LOAD_SLICE, top)
            used, _ = close_day(state, tick, start, stop, self._volume, levels, self._scratch)
            outbox.add_loads(self._scratch.loads[:used])
        self._days_open = False
        horizon = self.config.budgets.account_expiry_days * DAY_MS
        gone = expired(state, (tick + 1) * MINUTE_MS - horizon)
        if gone.size:
            self.state = evict(state, gone)
            self.state.counters[st.ACCOUNTS_EXPIRED] += gone.size

    def _finding(self, tick: int, found: np.void) -> AccountFinding:
        account = self.state.accounts[found["account"]]
        end = (tick + 1) * MINUTE_MS
        return AccountFinding(
            account=int(account["fp"]),
            cohort=int(account["cohort"]),
            deviation=float(found["deviation"]),
            spread=float(found["spread"]),
            windows=int(found["windows"]),
            evidence=self.config.volume.evidence(
                int(found["requests"]), float(found["expected"]), float(found["surprise"]), end
            ),
            first_seen=int(account["first"]),
            last_seen=int(account["last"]),
            requests=int(found["requests"]),
            output_tokens=int(found["output"]),
            cost_micro=int(found["cost"]),
        )

    # -- handing over -------------------------------------------------------------------------

    def _hand_over_edges(self, tick: int, outbox: Outbox) -> None:
        state = self.state
        pending = state.edges[: state.scalars[st.EDGES]]
        if pending.size:
            due = np.flatnonzero(pending["tick"] == tick)
            if due.size:
                edges = np.empty(due.size, layout.EDGE)
                for name in layout.EDGE.names or ():
                    edges[name] = pending[name][due]
                outbox.add_edges(edges, state.names)
                pending["tick"][due] = NO_TIME
                if due.size == np.count_nonzero(pending["tick"] != NO_TIME) + due.size:
                    self._compact()

    def _hand_over_prompts(self, tick: int, outbox: Outbox) -> None:
        state = self.state
        pending = state.prompts[: state.scalars[st.PROMPTS_PENDING]]
        mine = pending["tick"] == tick
        due = pending[mine]
        if not due.size:
            return
        rows = np.zeros(due.size * BANDS, layout.TEMPLATE_ROW)
        targets = np.zeros(rows.size, np.int64)
        count = rows_per_band(
            state,
            due,
            self._new_account,
            int(state.scalars[st.STARTED]),
            outbox.partitions,
            rows,
            targets,
        )
        outbox.add_templates(rows[:count], targets[:count])
        rest = pending[~mine]
        state.prompts[: rest.size] = rest
        state.scalars[st.PROMPTS_PENDING] = rest.size

    def _newcomers(self, tick: int) -> NameBatch | None:
        state = self.state
        pending = state.newcomers[: state.scalars[st.NEWCOMERS]]
        due = pending[pending["tick"] == tick]
        if not due.size:
            return None
        accounts = state.accounts[due["account"]]
        batch = NameBatch.gather(
            self.source,
            tick,
            accounts["fp"],
            accounts["org"],
            accounts["first"],
            accounts["created"],
            accounts["id_at"],
            accounts["id_len"],
            state.ids,
            due["org_at"],
            due["org_len"],
            state.names,
        )
        rest = pending[pending["tick"] != tick]
        state.newcomers[: rest.size] = rest
        state.scalars[st.NEWCOMERS] = rest.size
        self._compact_if_empty()
        return batch

    # -- room ---------------------------------------------------------------------------------

    def _compact_if_empty(self) -> None:
        scalars = self.state.scalars
        if scalars[st.EDGES] == 0 and scalars[st.NEWCOMERS] == 0:
            scalars[st.NAME_END] = 0

    def _compact(self) -> None:
        """Drop edges already handed over, and the names that nothing points to."""
        state = self.state
        scalars = state.scalars
        pending = state.edges[: scalars[st.EDGES]]
        live = pending[pending["tick"] != NO_TIME]
        live, names = with_own_names(live, state.names)
        newcomers = state.newcomers[: scalars[st.NEWCOMERS]]
        renamed = np.zeros(newcomers.size, layout.EDGE)
        renamed["name_at"], renamed["name_len"] = newcomers["org_at"], newcomers["org_len"]
        renamed, orgs = with_own_names(renamed, state.names)
        newcomers["org_at"] = renamed["name_at"] + names.size
        state.edges[: live.size] = live
        state.names[: names.size] = names
        state.names[names.size : names.size + orgs.size] = orgs
        scalars[st.EDGES] = live.size
        scalars[st.NAME_END] = names.size + orgs.size

    def _make_room(self) -> None:
        """Compact the pending buffers, then double whichever is still more than half full."""
        self._compact()
        state, s = self.state, self.state.scalars
        if s[st.EDGES] * 2 + GROW_EDGES > state.edges.size:
            state = state._replace(edges=_doubled(state.edges))
        if s[st.NAME_END] * 2 + GROW_NAMES * 4 > state.names.size:
            state = state._replace(names=_doubled(state.names))
        if s[st.NEWCOMERS] * 2 >= state.newcomers.size:
            state = state._replace(newcomers=_doubled(state.newcomers))
        if s[st.PROMPTS_PENDING] * 2 >= state.prompts.size:
            state = state._replace(prompts=_doubled(state.prompts))
        self.state = state

    def _admit_by_eviction(self) -> int:
        """Give up a sixteenth of the table; returns 1 where even that found nobody to give up."""
        gone = least_wanted(self.state, max(1, self.state.accounts.size // 16))
        if not gone.size:
            self.state.counters[st.ACCOUNT_OVERFLOW] += 1
            return 1
        self.state = evict(self.state, gone)
        self.state.counters[st.ACCOUNTS_EVICTED] += gone.size
        return 0


def _doubled(rows: np.ndarray) -> np.ndarray:
    grown = np.zeros(rows.size * 2, rows.dtype)
    grown[: rows.size] = rows
    return grown


class Outbox:
    """Collects one tick's tables and cuts them by target partition."""

    def __init__(self, source: int, tick: int, partitions: int) -> None:
        self.source = source
        self.tick = tick
        self.partitions = partitions
        self._tables: dict[int, dict[str, list[np.ndarray]]] = {}

    def add_sums(self, sums: np.ndarray) -> None:
        """Sums per key; those of one request travel in the light form."""
        light = (sums["requests"] == 1) & (sums["input"] < 1 << 32) & (sums["output"] < 1 << 32)
        ones = np.zeros(int(light.sum()), layout.ONE)
        chosen = sums[light]
        for name in ("key", "input", "output", "kind"):
            ones[name] = chosen[name]
        ones["capability"] = np.where(
            chosen["capability"].any(axis=1), chosen["capability"].argmax(axis=1), 255
        )
        self._add("ones", ones, targets_of(ones["key"], ones["kind"], self.partitions))
        full = sums[~light]
        self._add("sums", full, targets_of(full["key"], full["kind"], self.partitions))

    def add_loads(self, loads: np.ndarray) -> None:
        """Loads per key of a closed day."""
        self._add("loads", loads.copy(), targets_of(loads["key"], loads["kind"], self.partitions))

    def add_edges(self, edges: np.ndarray, names: np.ndarray) -> None:
        """First sightings, with the values they name."""
        targets = targets_of(edges["key"], edges["kind"], self.partitions)
        for target in range(self.partitions):
            own = edges[targets == target]
            if own.size:
                packed, values = with_own_names(own, names)
                self._table(target, "edges").append(packed)
                self._table(target, "names").append(values)

    def add_templates(self, rows: np.ndarray, targets: np.ndarray) -> None:
        """Prompt templates, one row per band."""
        self._add("templates", rows, targets)

    def hand_overs(self) -> dict[int, HandOver]:
        """One hand-over per target that has anything to be told."""
        return {target: self._hand_over(tables) for target, tables in sorted(self._tables.items())}

    def _hand_over(self, tables: dict[str, list[np.ndarray]]) -> HandOver:
        def joined(name: str, dtype: np.dtype) -> np.ndarray:
            parts = tables.get(name)
            if not parts:
                return np.zeros(0, dtype)
            return parts[0] if len(parts) == 1 else np.concatenate(parts)

        return HandOver(
            self.source,
            self.tick,
            joined("edges", layout.EDGE),
            joined("names", np.dtype(np.uint8)),
            joined("sums", layout.SUM),
            joined("ones", layout.ONE),
            joined("loads", layout.LOAD),
            joined("templates", layout.TEMPLATE_ROW),
        )

    def _table(self, target: int, name: str) -> list[np.ndarray]:
        return self._tables.setdefault(target, {}).setdefault(name, [])

    def _add(self, name: str, rows: np.ndarray, targets: np.ndarray) -> None:
        for target in range(self.partitions):
            own = rows[targets == target] if self.partitions > 1 else rows
            if own.size:
                self._table(target, name).append(own)
