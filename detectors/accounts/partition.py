"""The account stage: one partition of requests, from decoded events to hand-overs and findings.

Windows are kept in event time. The watermark is the event time that was reached (`event_time` says
by whose word) minus the allowed lateness; a tick closes when it passes, exactly once, in order, and
everything that depends on order (hours, days, learning, eviction) happens there.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.checkpoint import Rest, checkpoint_of, restoration, restore
from detectors.accounts.crowding import free_minutes
from detectors.accounts.erase import erase_account
from detectors.accounts.event_time import (
    BEGINNING,
    follow_mark,
    reached,
    times_of,
)
from detectors.accounts.eviction import SLICE, least_wanted
from detectors.accounts.hours import HourBook
from detectors.accounts.ingest import (
    ACCOUNTS_FULL,
    ALL_WRONG,
    BUFFERS_FULL,
    DONE,
    MINUTES_FULL,
    TICK_PASSED,
    TOO_FAR,
    ingest,
)
from detectors.accounts.layout import ACCOUNT, MINUTE, WINDOW
from detectors.accounts.outages import InputFlow
from detectors.accounts.outbox import Scratch
from detectors.accounts.pending import make_room
from detectors.accounts.rows import find_account, place_accounts
from detectors.accounts.tick_closer import ClosedTick, TickCloser
from detectors.accounts.time_votes import forget_votes, speaks_for_most
from detectors.births import KeyBirths
from detectors.config import Config
from detectors.decode.decoder import Decoded
from detectors.decode.rejects import Rejected, ahead_of_all
from detectors.exchange.loss import Loss
from detectors.interface.clock import DAY_MS, DAY_TICKS, MINUTE_MS, NO_TIME
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.judging.counters import StageCounters
from detectors.judging.host import Host
from detectors.judging.isolation import Isolation
from detectors.state.checkpoint import Checkpoint, Restoration


class AccountPartition:
    """Windows of the accounts of one partition. `source` is its number, `scratch` is the process's."""

    def __init__(self, config: Config, source: int, scratch: Scratch | None = None) -> None:
        self.source = source
        self.config = config
        self.state = st.fresh_state(config.engine, config.budgets)
        self._lateness = config.engine.allowed_lateness_minutes * MINUTE_MS
        self._times = times_of(config.engine)
        self._refused: list[Rejected] = []
        self._period = config.budgets.key_expiry_days * DAY_TICKS
        self._new_account = int(config.of(KeyBirths).new_account_days * DAY_MS)
        self._keys = np.zeros(ACCOUNT_KINDS, np.uint64)
        self.flow = InputFlow(config.engine)
        self.host = Host(config.detectors, "account", config.budgets.accounts)
        self.counts = StageCounters()
        self._book = HourBook(config, source, self.host)
        self._closer = TickCloser(
            config, source, scratch or Scratch(config.engine.partitions),
            flow=self.flow, counts=self.counts, book=self._book,
        )  # fmt: skip

    @property
    def closed(self) -> int:
        """The last closed tick; far in the past before the first event."""
        return int(self.state.scalars[st.CLOSED])

    @property
    def watermark(self) -> int:
        """Event time up to which nothing more is expected, ms; NO_TIME before the first event."""
        time = int(reached(self.state.scalars, self._lateness))
        return time if time == NO_TIME else time - self._lateness

    @property
    def settled(self) -> bool:
        """Whether time can only go on: until then nobody is told of it."""
        return bool(self.state.scalars[st.BEGUN] >= BEGINNING)

    def times(self) -> tuple[np.ndarray, np.ndarray]:
        """What `idle_marks` needs: (scalars, `times_of`), int64 each; to copy."""
        return self.state.scalars, self._times

    def take_refused(self) -> list[Rejected]:
        """What of the batches since this was asked last was set aside, as the decoder sets aside."""
        refused, self._refused = self._refused, []
        return refused

    @property
    def counters(self) -> np.ndarray:
        """What happened to events so far, by the places named in `state`: int64."""
        return self.state.counters

    def checkpoint(self) -> Checkpoint:
        """The state as it is now; good until the next input."""
        closer = self._closer
        rest = Rest(closer.days_open, self.flow.kept, closer.erased)
        kept = checkpoint_of(self.state, rest)
        return kept.also(self.host.tables(int(self.state.scalars[st.ACCOUNTS])))

    def restoration(self) -> Restoration:
        """What fills this partition, still fresh, from kept pages; `restore` ends it."""
        return restoration(self.state)

    def restore(self, kept: Restoration, rest: bytes) -> None:
        """Go on from the kept state."""
        self.state, loose = restore(self.state, kept.tables(), rest)
        place_accounts(self.state, self.source, self.config.engine.partitions)
        self._closer.days_open, self._closer.erased = loose.days_open, loose.erased
        self.flow.kept = loose.flow
        self.host.restore(kept.tables())

    def isolations(self) -> dict[str, Isolation]:
        """What each detector raised for, by its name."""
        return self.host.isolations()

    def bytes_by_kind(self) -> dict[str, int]:
        """Bytes of state that are in use, by table."""
        state, s = self.state, self.state.scalars
        return {
            "accounts": int(s[st.ACCOUNTS]) * (ACCOUNT.itemsize + WINDOW.itemsize)
            + int(s[st.ID_END])
            + state.slots.nbytes,
            "account_hours": int(s[st.HOUR_TOP]) * WINDOW.itemsize,
            "account_minutes": int(s[st.MINUTE_TOP]) * MINUTE.itemsize + state.minute_heads.nbytes,
            "pending": state.edges.nbytes
            + state.names.nbytes
            + state.newcomers.nbytes
            + state.prompts.nbytes,
            "dedupe": state.dedupe.nbytes + state.contents.nbytes,
            "sightings": state.sightings.nbytes,
            **self.host.bytes_by_kind(),
        }

    def ingest(self, decoded: Decoded, rows: np.ndarray | None = None) -> list[ClosedTick]:
        """Take a batch (or the events in `rows` of it) and close what its watermark passes.

        `rows` are int64.
        """
        if rows is None:
            rows = np.arange(decoded.events.size)
        closed: list[ClosedTick] = []
        at, told = 0, -1
        while at < rows.size:
            at, why = ingest(
                self.state,
                decoded.events,
                rows,
                at,
                rows.size,
                told,
                decoded.buffer,
                self._times,
                self._period,
                self._new_account,
                self._keys,
                self.source,
                self.config.engine.partitions,
            )
            if why == DONE:
                break
            told = at
            if why in (TICK_PASSED, TOO_FAR):
                if why == TOO_FAR:
                    self._refused.append(ahead_of_all(int(decoded.events["row"][rows[at]])))
                    at += 1
                if self.settled and self.watermark // MINUTE_MS - 1 > self.closed:
                    # Events that are gone may have reached as far as what comes now: up to there, and
                    # no further, what closes is incomplete.
                    self.flow.regain((self.watermark + self._lateness) // MINUTE_MS)
                if self.settled:
                    closed += self._close_passed()
            elif why == BUFFERS_FULL:
                self.state = make_room(self.state)
            elif why == ACCOUNTS_FULL:
                self._evict()
            elif why == MINUTES_FULL:
                free_minutes(self.state)
            elif why == ALL_WRONG:
                self.state = st.begun_anew(self.state, self.config.engine, self.config.budgets)
        return closed

    def lose(self, first: int, end: int) -> None:
        """Events at these places of its input were deleted unread: what is open now is incomplete.

        So is all that closes before an event that comes moves the watermark on; an idle mark ends nothing.
        """
        if self.closed != NO_TIME:
            forget_votes(self.state.scalars)  # what comes now says how far the hole may reach
            self.flow.lose(first, end, self.closed)

    @property
    def loss(self) -> Loss | None:
        """The last time that events were deleted unread."""
        return self.flow.kept.loss

    def raise_mark(self, watermark_ms: int) -> list[ClosedTick]:
        """Apply a written idle mark: this partition expects nothing before `watermark_ms`."""
        scalars = self.state.scalars
        if watermark_ms <= self.watermark:
            return []
        follow_mark(scalars, watermark_ms)
        if scalars[st.CLOSED] == NO_TIME:
            scalars[st.CLOSED] = watermark_ms // MINUTE_MS - 1
        return self._close_passed()

    def holds(self, fp: int) -> bool:
        """Whether an account, by its fingerprint, is in this partition's state."""
        return bool(find_account(self.state, np.uint64(fp)) >= 0)

    def erase(self, fp: int, *, tell: bool = True) -> bool:
        """Erase an account, by its fingerprint; with the next closed tick all stages follow.

        What comes of it afterwards is of an account never seen before. Says whether it was here; where
        it was not, the other stages are told only if `tell`.
        """
        row = int(find_account(self.state, np.uint64(fp)))
        if row >= 0:
            self.host.erase([fp], np.array([row]))
        self.state = erase_account(self.state, fp)
        if (tell or row >= 0) and fp not in self._closer.erased:
            self._closer.erased.append(fp)
        return row >= 0

    def drain(self) -> list[ClosedTick]:
        """Close everything that is open, as if time went on; for the end of a file, on request.

        What lies ahead by more than the lateness stays open, unless the last rows all said that it is
        that late.
        """
        if self.closed == NO_TIME:
            return []
        scalars = self.state.scalars
        latest = int(scalars[st.MAX_TIME])
        greatest = int(scalars[st.GREATEST])
        if greatest <= latest + self._lateness:
            latest = max(latest, greatest)
        if scalars[st.RUN] > 0 and speaks_for_most(scalars):
            latest = max(latest, int(scalars[st.RUN_HIGH]))
        return self.raise_mark((latest // DAY_MS + 1) * DAY_MS)

    def _close_passed(self) -> list[ClosedTick]:
        scalars = self.state.scalars
        start, target = self.closed, self.watermark // MINUTE_MS - 1
        closed: list[ClosedTick] = []
        self.counts.ticks += max(0, target - start)
        tick = start
        while tick < target and not self._closer.nothing_open(self.state):
            tick += 1
            self.state, done = self._closer.close(self.state, tick)
            scalars[st.CLOSED] = tick
            if done is not None:
                closed.append(done)
        if tick < target:
            # What closes with nothing open says nothing; but days pass, and accounts expire.
            scalars[st.CLOSED] = target
            self.flow.skip(tick, target)
            days = (target + 1) // DAY_TICKS
            if days > (tick + 1) // DAY_TICKS:
                self.state = self._book.expire(self.state, days * DAY_MS)
        return closed

    def _evict(self) -> None:
        """Give up a sixteenth of the table; where nearly nobody may go, newcomers are refused for a tick."""
        wanted = max(1, self.state.accounts.size // SLICE)
        gone = least_wanted(self.state, wanted)
        if gone.size < wanted:
            self.state.scalars[st.REFUSING] = self.closed
        if gone.size:
            self.state = self._book.give_up(self.state, gone)
            self.state.counters[st.ACCOUNTS_EVICTED] += gone.size
