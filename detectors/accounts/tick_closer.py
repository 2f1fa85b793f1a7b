"""Closing the ticks of an account partition: what each says, and to whom."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_tick import NO_ROOM, close_tick
from detectors.accounts.hours import HourBook, merged, with_loads
from detectors.accounts.newcomers import newcomers
from detectors.accounts.outages import InputFlow
from detectors.accounts.outbox import Scratch, hand_overs
from detectors.accounts.pending import give_back
from detectors.accounts.state import AccountState
from detectors.births import KeyBirths
from detectors.config import Config
from detectors.exchange.activity import ActivityBatch, Spellings, spellings_of
from detectors.exchange.findings import GroupSum, TickFindings
from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.exchange.names import NameBatch
from detectors.interface.clock import DAY_MS, DAY_TICKS, HOUR_TICKS, MINUTE_MS
from detectors.judging.counters import StageCounters


class ClosedTick(NamedTuple):
    """What one closed tick of an account partition says: per network partition, and to the owner."""

    tick: int
    hand_overs: dict[int, HandOver]
    findings: TickFindings | None
    names: NameBatch | None
    activity: ActivityBatch | None = None
    spellings: Spellings | None = None


class TickCloser:
    """Closes ticks in order. `days_open`: days hold something; `erased`: whom the next tick tells of."""

    def __init__(
        self,
        config: Config,
        source: int,
        scratch: Scratch,
        *,
        flow: InputFlow,
        counts: StageCounters,
        book: HourBook,
    ) -> None:
        self._config = config
        self._source = source
        self._scratch = scratch
        self._flow = flow
        self._counts = counts
        self._book = book
        self._new_account = int(config.of(KeyBirths).new_account_days * DAY_MS)
        self.days_open = False
        self.erased: list[int] = []

    def nothing_open(self, state: AccountState) -> bool:
        """Whether a tick that closes now would say nothing."""
        minute_top, minutes_free, hour_top, hours_free, edges, newcomers = state.scalars[
            st.OPEN_COUNTS
        ].tolist()
        return (
            minute_top == minutes_free
            and hour_top == hours_free
            and edges == 0
            and newcomers == 0
            and not self.days_open
            and not self.erased
        )

    def close(self, state: AccountState, tick: int) -> tuple[AccountState, ClosedTick | None]:
        """Close a tick; the state is another where it was given back, or where accounts expired."""
        scratch, new = self._scratch, self._new_account
        count, first_seen, sent_rows = close_tick(state, tick, scratch.sums, scratch.outbox, new)
        while count == NO_ROOM:
            scratch.enlarge(first_seen, *state.scalars[st.SCRATCH_COUNTS].tolist())
            count, first_seen, sent_rows = close_tick(
                state, tick, scratch.sums, scratch.outbox, new
            )
        if count:
            self.days_open = True
            self._counts.windows["minute"] += count
        self._flow.close(tick, count)
        names = newcomers(state, self._source, tick) if first_seen else None
        sent = hand_overs(scratch.outbox, self._source, tick) if sent_rows else {}
        spelt = spellings_of(sent.values(), self._source, tick)
        findings, activity = None, None
        if (tick + 1) % HOUR_TICKS == 0:
            state = give_back(state)
            scalars = state.scalars
            self._counts.windows["hour"] += int(scalars[st.HOUR_TOP] - scalars[st.HOUR_FREE])
            found, cohorts, activity = self._book.close_hour(state, tick, self._flow)
            groups: tuple[GroupSum, ...] = ()
            if (tick + 1) % DAY_TICKS == 0:
                day = self._book.close_day(state, tick, self._flow)
                self._counts.windows["day"] += day.closed
                found, cohorts = (*found, *day.odd), merged(cohorts, day.cohorts)
                groups = day.groups
                sent = with_loads(sent, day.loads, self._source, tick)
                self.days_open = False
                state = self._book.expire(state, (tick + 1) * MINUTE_MS)
            if found or cohorts or groups:
                findings = TickFindings(tick, found, cohorts, groups=groups)
        if hours := self._flow.tell():
            sent = {
                target: sent.get(target, watermark_only(self._source, tick))._replace(holes=hours)
                for target in range(self._config.engine.partitions)
            }
        if self.erased:
            sent, findings = self._tell_erased(tick, sent, findings)
        if not sent and findings is None and names is None and activity is None:
            return state, None
        return state, ClosedTick(tick, sent, findings, names, activity, spelt)

    def _tell_erased(
        self, tick: int, sent: dict[int, HandOver], findings: TickFindings | None
    ) -> tuple[dict[int, HandOver], TickFindings]:
        """Let all network partitions and the owner know whom to erase."""
        gone = np.array(sorted(self.erased), np.uint64)
        self.erased = []
        told = {
            target: sent.get(target, watermark_only(self._source, tick))._replace(erased=gone)
            for target in range(self._config.engine.partitions)
        }
        findings = findings or TickFindings(tick)
        return told, msgspec.structs.replace(findings, erased=tuple(gone.tolist()))
