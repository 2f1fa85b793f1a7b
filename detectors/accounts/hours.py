"""Hours and days of the accounts of one partition: what is found odd at their end, and handed over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.close_hour import COHORTS, FAILED, FOUND, LOAD_SLICE, close_day, close_hour
from detectors.accounts.close_minute import key_sums
from detectors.accounts.eviction import evict, expired
from detectors.accounts.outages import InputFlow
from detectors.accounts.outbox import targets_of
from detectors.accounts.state import AccountState
from detectors.config import Config
from detectors.exchange.findings import AccountFinding, CohortSum
from detectors.exchange.hand_over import HandOver, watermark_only
from detectors.exchange.rows import LOAD
from detectors.interface.clock import DAY_MS, MINUTE_MS
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.judging.isolation import REMEMBERED, Aside, error_of
from detectors.volume import learn, score


class HourBook:
    """Closes the hours and days of one account partition; keeps nothing but scratch.

    Accounts for which the detector raises, by their rows, are told to `aside`.
    """

    def __init__(self, config: Config, source: int, aside: Aside) -> None:
        self.source = source
        self.config = config
        self._volume = config.volume.params()
        self._found = np.zeros(1024, FOUND)
        self._failed = np.zeros(REMEMBERED, FAILED)
        self._aside = aside

    def close_hour(
        self, state: AccountState, tick: int, flow: InputFlow
    ) -> tuple[tuple[AccountFinding, ...], np.ndarray]:
        """Close every open hour; gives the odd accounts, and how each cohort moved (COHORTS x 3).

        Nobody and nothing where the hour, or the one before, was incomplete.
        """
        shifts = np.zeros((COHORTS, 3), np.int64)
        places = int(state.scalars[st.HOUR_TOP])
        judged = places - int(state.scalars[st.HOUR_FREE])
        if self._found.size < places:
            self._found = np.zeros(places * 3 // 2, FOUND)
        volume = self.config.volume
        count, failures = close_hour(
            state,
            tick,
            self._volume,
            volume.min_requests,
            volume.newcomer_requests,
            volume.min_surprise,
            self._found,
            shifts,
            self._failed,
            flow.kept.complete,
        )
        before = self._aside.times
        self._note(state, tick, failures, score)
        self._aside.judged(judged, before)
        if not flow.judged:
            return (), np.zeros_like(shifts)
        attempt = self._aside.attempt
        found = (
            attempt(tick, int(f["account"]), self._finding, state, tick, f)
            for f in self._found[:count]
        )
        return tuple(sorted((f for f in found if f), key=lambda f: f.account)), shifts

    def close_day(
        self, state: AccountState, tick: int, flow: InputFlow
    ) -> tuple[dict[int, np.ndarray], np.ndarray | None, int]:
        """Close every account's day; gives loads by target, each cohort's level, how many closed.

        The level (COHORTS x 3) is None where an hour of the day was incomplete: nobody learns then.
        """
        levels = np.zeros((COHORTS, 3), np.int64)
        partitions = self.config.engine.partitions
        loads: list[list[np.ndarray]] = [[] for _ in range(partitions)]
        days = 0
        top = int(state.scalars[st.ACCOUNTS])
        scratch = key_sums(min(top, LOAD_SLICE) * ACCOUNT_KINDS)
        targets = np.zeros(scratch.loads.size, np.int64)
        for start in range(0, top, LOAD_SLICE):
            stop = min(start + LOAD_SLICE, top)
            used, closed, failures = close_day(
                state,
                tick,
                start,
                stop,
                self._volume,
                levels,
                scratch,
                self._failed,
                flow.kept.day,
            )
            self._note(state, tick, failures, learn)
            days += closed
            rows = scratch.loads[:used]
            targets_of(rows["key"], rows["kind"], partitions, targets)
            for target in range(partitions):
                loads[target].append(rows[targets[:used] == target])
        joined = {t: np.concatenate(parts) for t, parts in enumerate(loads) if parts}
        sent = {t: rows for t, rows in joined.items() if rows.size}
        return sent, levels if flow.kept.day else None, days

    def expire(self, state: AccountState, end_ms: int) -> AccountState:
        """Forget the accounts that were silent for longer than the expiry, at the end of a day."""
        gone = expired(state, end_ms - self.config.budgets.account_expiry_days * DAY_MS)
        if not gone.size:
            return state
        state.counters[st.ACCOUNTS_EXPIRED] += gone.size
        return evict(state, gone)

    def _note(
        self, state: AccountState, tick: int, failures: int, judge: Callable[..., object]
    ) -> None:
        """Say for whom a kernel's `judge` raised, and what: it is asked once more, as kernels cannot."""
        if not failures:
            return
        failed = self._failed[:failures]
        rows = failed["account"].tolist()
        past = state.accounts[rows[0]]
        error = error_of(
            judge,
            float(past["mean"]),
            float(past["variance"]),
            int(past["days"]),
            float(failed["volume"][0]),
            self._volume,
        )
        self._aside.raised(tick, rows, error, failures - len(rows))

    def _finding(self, state: AccountState, tick: int, found: np.void) -> AccountFinding:
        account = state.accounts[found["account"]]
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


def cohort_sums(shifts: np.ndarray, levels: np.ndarray | None) -> tuple[CohortSum, ...]:
    """The cohorts in which anything moved; `levels` come with the end of a day."""
    if levels is None:
        levels = np.zeros_like(shifts)
    return tuple(
        CohortSum(int(c), *(int(v) for v in shifts[c]), *(int(v) for v in levels[c]))
        for c in np.flatnonzero(shifts[:, 0] + levels[:, 0])
    )


def with_loads(
    sent: dict[int, HandOver], loads: dict[int, np.ndarray], source: int, tick: int
) -> dict[int, HandOver]:
    """Hand-overs of a tick with the loads of the day that it ends, by target."""
    merged = dict(sent)
    for target, rows in loads.items():
        merged[target] = merged.get(target, watermark_only(source, tick))._replace(
            loads=rows.astype(LOAD)
        )
    return dict(sorted(merged.items()))
