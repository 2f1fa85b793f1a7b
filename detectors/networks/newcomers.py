"""What detectors read of shared values: who joined them while new, lately and before."""

from __future__ import annotations

from collections.abc import Callable

import numba as nb
import numpy as np
from numpy.typing import NDArray

from detectors.interface.clock import DAY_MS, WEEK_MS
from detectors.judging.features import Closed
from detectors.networks.state import NetworkState
from detectors.networks.windows import joined, parties


def entities_of(state: NetworkState, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """By which fingerprint (uint64, n) detectors know the values in these rows (int64, n)."""
    kinds = state.shared["kind"][rows].astype(np.uint64)
    entities: NDArray[np.uint64] = state.shared["key"][rows] ^ (kinds << np.uint64(56))
    return entities


def joined_windows(
    state: NetworkState,
    rows: NDArray[np.int64],
    end: int,
    scratch: tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64]],
    watched_days: Callable[[int, int], float],
) -> Closed:
    """The windows of values (rows, int64, n) that new accounts joined in the minute before `end`, ms.

    `scratch` holds accounts (uint64), times (int64) and organisations (uint64) of as many members as
    a value may have; `watched_days` says how many days between two times, ms, were watched.
    """
    day, week, members = np.zeros((3, rows.size), np.int64)
    _count(state, rows, end, *scratch, day, week, members)
    shared = state.shared
    own_days = np.array(
        [watched_days(first, end - WEEK_MS) for first in shared["first"][rows].tolist()], np.float64
    )
    before = np.maximum(shared["births"][rows].astype(np.int64) - members, 0)
    return closed_of(
        state,
        rows,
        parties_1d=day,
        parties_7d=week,
        own_days=own_days,
        own_births=np.where(own_days > 0, before, 0),
        requests=shared["minute_requests"][rows],
    )


def closed_of(state: NetworkState, rows: NDArray[np.int64], **more: NDArray[np.generic]) -> Closed:
    """Windows of the values in these rows (int64, n); `more` are columns (n) worked out already."""
    facts = {
        "kind": state.shared["kind"][rows].astype(np.float64),
        "ip_class": state.shared["ip_class"][rows].astype(np.float64),
    }
    return Closed(entities_of(state, rows), rows, state.shared, rows, more, facts)


@nb.njit(cache=True, nogil=True)
def _count(
    state: NetworkState,
    rows: np.ndarray,
    end: int,
    accounts: np.ndarray,
    times: np.ndarray,
    orgs: np.ndarray,
    day: np.ndarray,
    week: np.ndarray,
    members: np.ndarray,
) -> None:
    """Parties that joined in the last day and week, and accounts in the week (int64, n each)."""
    for i in range(rows.size):
        count = joined(state, rows[i], end - WEEK_MS, accounts, times, orgs)
        members[i] = count
        week[i] = parties(orgs[:count])[0]
        late = orgs[:count][times[:count] >= end - DAY_MS]
        day[i] = parties(late)[0]
