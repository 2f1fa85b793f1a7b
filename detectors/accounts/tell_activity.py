"""An hour's end: what its accounts did, and with which values, as the campaign owner is told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.accounts import state as st
from detectors.accounts.habits import NO_HABIT, forget_values
from detectors.accounts.state import AccountState
from detectors.accounts.wordings import PRESSED, is_told, sweep_wordings
from detectors.exchange.activity import ACTIVITY, HOLDING, ActivityBatch
from detectors.interface.clock import HOUR_TICKS
from detectors.interface.columns import MANNERS
from detectors.interface.key_kinds import TEMPLATE
from detectors.kernels.compiled import kernel
from detectors.kernels.pool import rows_left

_OF_ACCOUNT = ("org", "created", "first", "cohort")
_OF_HOUR = ("input", "output", "requests", "capability")
_OF_HABIT = ("minutes", "unworded", "cot", "grading", *MANNERS)


def tell_activity(
    state: AccountState, source: int, tick: int, rows: NDArray[np.int64], at: NDArray[np.int64]
) -> ActivityBatch:
    """What the accounts in `rows` (int64, n) did in the hours at `at` (int64, n); begins their next hour."""
    told = np.zeros(rows.size, ACTIVITY)
    accounts, hours, habits = state.accounts[rows], state.hours[at], state.habits[rows]
    told["account"] = accounts["fp"]
    for names, source_rows in ((_OF_ACCOUNT, accounts), (_OF_HOUR, hours), (_OF_HABIT, habits)):
        for name in names:
            told[name] = source_rows[name]
    used = int(state.scalars[st.HELD])
    held = state.held[:used]
    values = np.zeros(used, HOLDING)
    values["account"] = state.accounts["fp"][held["account"]]
    for name in ("key", "requests", "kind"):
        values[name] = held[name]
    wordings = np.zeros(_count_wordings(state, rows), HOLDING)
    _tell_wordings(state, rows, wordings)
    forget_values(state)
    _make_room(state, tick)
    return ActivityBatch(source, tick, told, np.concatenate((values, wordings)))


def _make_room(state: AccountState, tick: int) -> None:
    """Where few rows of wordings are left, give back those that were sent once."""
    left = rows_left(state.wording_free, state.scalars, st.WORDING_TOP, st.WORDING_FREE)
    if left * PRESSED < state.wordings.size:
        sweep_wordings(state, tick // HOUR_TICKS, 2)


@kernel
def _count_wordings(state: AccountState, rows: np.ndarray) -> int:
    """How many wordings of some accounts (int64 rows) were used in the hour, and are told."""
    count = 0
    for row in rows:
        at = state.habits[row].wording - 1
        while at >= 0:
            wording = state.wordings[at]
            count += wording.sent > 0 and is_told(wording)
            at = wording.next - 1
    return count


@kernel
def _tell_wordings(state: AccountState, rows: np.ndarray, told: np.ndarray) -> None:
    """Fill HOLDING rows with the wordings of the hour, and begin the accounts' (int64 rows) next hour."""
    count = 0
    for row in rows:
        at = state.habits[row].wording - 1
        first = at + 1
        while at >= 0:
            wording = state.wordings[at]
            if wording.sent > 0 and is_told(wording):
                one = told[count]
                one.account = state.accounts[row].fp
                one.key = wording.word
                one.requests = wording.sent
                one.kind = TEMPLATE
                count += 1
            wording.sent = 0
            at = wording.next - 1
        state.habits[row] = NO_HABIT[0]
        state.habits[row].wording = first
