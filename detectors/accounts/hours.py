"""Hours and days of the accounts of one partition: closed, judged by the host, and handed over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.accounts import state as st
from detectors.accounts.close_hour import LOAD_SLICE, close_days, close_hours, free_hours
from detectors.accounts.close_minute import key_sums
from detectors.accounts.eviction import evict, expired
from detectors.accounts.groups import group_sums
from detectors.accounts.outages import InputFlow
from detectors.accounts.outbox import targets_of
from detectors.accounts.state import AccountState
from detectors.accounts.tell_activity import tell_activity
from detectors.accounts.wordings import sweep_wordings
from detectors.config import Config
from detectors.exchange.activity import ActivityBatch
from detectors.exchange.findings import AccountFinding, CohortSum, GroupSum
from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.exchange.rows import LOAD
from detectors.interface.clock import DAY_MS, HOUR_MS, MINUTE_MS
from detectors.interface.detector import GROUPS
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.judging.closing import Closing, Tick
from detectors.judging.cohort_sums import sums_of
from detectors.judging.features import Closed
from detectors.judging.host import Host, Run


class ClosedHour(NamedTuple):
    """What a closed hour says: odd accounts, how cohorts moved, and what every active account did."""

    odd: tuple[AccountFinding, ...]
    cohorts: tuple[CohortSum, ...]
    activity: ActivityBatch | None


class ClosedDay(NamedTuple):
    """What a closed day says: loads by target, odd accounts, how cohorts and groups did; how many closed."""

    loads: dict[int, NDArray[np.void]]
    odd: tuple[AccountFinding, ...]
    cohorts: tuple[CohortSum, ...]
    groups: tuple[GroupSum, ...]
    closed: int


class HourBook:
    """Closes the hours and days of one account partition; keeps nothing but scratch."""

    def __init__(self, config: Config, source: int, host: Host) -> None:
        self.source = source
        self.config = config
        self._host = host
        self._groups = frozenset(d.card.entity for d in config.detectors) & frozenset(GROUPS)
        self._at = np.zeros(1024, np.int64)
        self._rows = np.zeros(1024, np.int64)
        self._trailing = np.zeros(1024, np.int64)

    def close_hour(self, state: AccountState, tick: int, flow: InputFlow) -> ClosedHour:
        """Close every open hour.

        Nobody is odd, and of no cohort is anything told, where the hour, or the one before, was incomplete.
        """
        places = int(state.scalars[st.HOUR_TOP])
        if self._at.size < places:
            self._at, self._rows, self._trailing = (np.zeros(places * 3 // 2, np.int64),) * 3
            self._rows, self._trailing = self._rows.copy(), self._trailing.copy()
        count = close_hours(state, tick, self._at, self._rows, self._trailing)
        at, rows = self._at[:count], self._rows[:count]
        end = (tick + 1) * MINUTE_MS
        when = Tick(tick, "hour", end - HOUR_MS, end, flow.kept.complete)
        closed = Closed(
            state.accounts["fp"][rows],
            rows,
            state.hours,
            at,
            {"trailing": self._trailing[:count]},
            {},
        )
        closings = self._host.close(closed, when) if count else []
        activity = tell_activity(state, self.source, tick, rows, at) if count else None
        free_hours(state, at)
        if not flow.judged:
            return ClosedHour((), (), activity)
        odd, cohorts = self._told(state, closed, closings, self._trailing[:count])
        return ClosedHour(odd, cohorts, activity)

    def close_day(self, state: AccountState, tick: int, flow: InputFlow) -> ClosedDay:
        """Close every account's day.

        Nobody is odd and no cohort or group is told of where an hour of the day was incomplete: nobody
        learns then.
        """
        end = (tick + 1) * MINUTE_MS
        top = int(state.scalars[st.ACCOUNTS])
        rows = np.flatnonzero(state.days["requests"][:top])
        when = Tick(tick, "day", end - DAY_MS, end, flow.kept.day)
        closed = Closed(state.accounts["fp"][rows], rows, state.days, rows, {}, {})
        closings = self._host.close(closed, when) if rows.size else []
        requests = state.days["requests"][rows].astype(np.int64)
        odd, cohorts = self._told(state, closed, closings, requests)
        groups = group_sums(state, tick, rows, self._groups)
        loads = self._loads(state, rows, whole=flow.kept.day)
        if not flow.kept.day:
            return ClosedDay(loads, (), (), (), int(rows.size))
        return ClosedDay(loads, odd, cohorts, groups, int(rows.size))

    def expire(self, state: AccountState, end_ms: int) -> AccountState:
        """Forget, at a day's end, accounts silent for longer than the expiry, and wordings long unused."""
        sweep_wordings(state, end_ms // HOUR_MS, 1)
        gone = expired(state, end_ms - self.config.budgets.account_expiry_days * DAY_MS)
        if not gone.size:
            return state
        state.counters[st.ACCOUNTS_EXPIRED] += gone.size
        return self.give_up(state, gone)

    def give_up(self, state: AccountState, rows: NDArray[np.int64]) -> AccountState:
        """Evict the accounts in `rows` (int64, ascending), and what detectors remember of them."""
        self._host.erase(state.accounts["fp"][rows].tolist(), rows)
        return evict(state, rows)

    def _loads(
        self, state: AccountState, rows: NDArray[np.int64], *, whole: bool
    ) -> dict[int, NDArray[np.void]]:
        """Close the days; what they load their values with, by target."""
        partitions = self.config.engine.partitions
        loads: list[list[np.ndarray]] = [[] for _ in range(partitions)]
        scratch = key_sums(min(rows.size, LOAD_SLICE) * ACCOUNT_KINDS)
        targets = np.zeros(scratch.loads.size, np.int64)
        for start in range(0, rows.size, LOAD_SLICE):
            used = close_days(state, rows[start : start + LOAD_SLICE], scratch, whole)
            summed = scratch.loads[:used]
            targets_of(summed["key"], summed["kind"], partitions, targets)
            for target in range(partitions):
                loads[target].append(summed[targets[:used] == target])
        joined = {t: np.concatenate(parts) for t, parts in enumerate(loads) if parts}
        return {t: some for t, some in joined.items() if some.size}

    def _told(
        self,
        state: AccountState,
        closed: Closed,
        closings: Iterable[tuple[Run, Closing]],
        requests: NDArray[np.int64],
    ) -> tuple[tuple[AccountFinding, ...], tuple[CohortSum, ...]]:
        """What the host's closings tell the owner, in order of account."""
        accounts, days = state.accounts, state.days
        odd = []
        sums: list[CohortSum] = []
        for run, closing in closings:
            for found in closing.findings:
                row = int(closed.rows[found.place])
                account = accounts[row]
                odd.append(
                    AccountFinding(
                        account=int(account["fp"]),
                        evidence=found.evidence,
                        cohort=int(account["cohort"]),
                        deviation=found.deviation,
                        spread=found.spread,
                        first_seen=int(account["first"]),
                        last_seen=int(account["last"]),
                        requests=int(requests[found.place]),
                        output_tokens=int(days["output"][row]),
                        cost_micro=int(days["cost"][row]),
                        model=int(days["model"][row]),
                        input_tokens=int(days["input"][row]),
                    )
                )
            if closing.scores is not None:
                cohorts = accounts["cohort"][closed.rows]
                sums += sums_of(run.card.name, cohorts, closing.scores)
        return tuple(sorted(odd, key=lambda f: f.account)), tuple(sums)


def merged(first: Iterable[CohortSum], second: Iterable[CohortSum]) -> tuple[CohortSum, ...]:
    """An hour's sums and those of the day that it ends, as one."""
    by_place = {(s.detector, s.cohort): s for s in first}
    for one in second:
        known = by_place.get((one.detector, one.cohort))
        by_place[one.detector, one.cohort] = one if known is None else known.plus(one)
    return tuple(by_place[place] for place in sorted(by_place))


def with_loads(
    sent: dict[int, HandOver], loads: dict[int, np.ndarray], source: int, tick: int
) -> dict[int, HandOver]:
    """Hand-overs of a tick with the loads of the day that it ends, by target. `loads` are rows.LOAD."""
    merged_ = dict(sent)
    for target, rows in loads.items():
        merged_[target] = merged_.get(target, watermark_only(source, tick))._replace(
            loads=rows.astype(LOAD)
        )
    return dict(sorted(merged_.items()))
