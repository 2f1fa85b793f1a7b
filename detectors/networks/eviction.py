"""Room in the key tables: which shared values expire, and which give way when a table fills."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.hand_over import HandOver
from detectors.interface.key_kinds import HARD_KINDS
from detectors.kernels.pool import rows_left
from detectors.networks import layout
from detectors.networks import state as ks
from detectors.networks.members import make_hubs
from detectors.networks.state import NetworkState
from detectors.networks.windows import forget_shared

GiveUp = Callable[[NDArray[np.int64]], None]

SLICE = 8  # a full table gives up one value in so many at once


def expire_keys(state: NetworkState, before_ms: int, give_up: GiveUp) -> NetworkState:
    """Forget the shared values that nobody used since a time; `give_up` hears of their rows first."""
    shared = state.shared[: state.scalars[ks.SHARED]]
    gone = np.flatnonzero((shared["used"] == 1) & (shared["last"] < before_ms))
    state.counters[ks.SHARED_EXPIRED] += gone.size
    return _forget(state, gone, give_up)


def make_room(state: NetworkState, hand_overs: list[HandOver], give_up: GiveUp) -> NetworkState:
    """Before a tick: if its joins might not fit, give up the longest unused, flagged ones last."""
    joins = sum(h.edges.size + h.templates.size for h in hand_overs)
    _make_member_room(state, joins)
    scalars, shared = state.scalars, state.shared
    free = rows_left(state.free, scalars, ks.SHARED, ks.SHARED_FREE)
    name_room = state.names.size - scalars[ks.NAME_END]
    if free >= min(joins, shared.size // SLICE) and name_room > state.names.size // SLICE:
        return state
    rows = np.flatnonzero(shared["used"][: scalars[ks.SHARED]] == 1)
    order = np.lexsort((shared["key"][rows], shared["last"][rows], shared["flagged"][rows]))
    gone = np.sort(rows[order[: max(shared.size // SLICE, 1)]])
    state.counters[ks.SHARED_EVICTED] += gone.size
    return _forget(state, gone, give_up)


def _make_member_room(state: NetworkState, joins: int) -> None:
    """If the member pool might not do, name nobody of the values that most hold, unless flagged.

    Of cards and devices only where others do not suffice, and the newest of them: a flood is new.
    """
    scalars, members = state.scalars, state.members
    free = rows_left(state.member_free, scalars, ks.MEMBERS, ks.MEMBER_FREE)
    if free >= min(2 * joins, members.size // SLICE):
        return
    shared = state.shared[: scalars[ks.SHARED]]
    rows = np.flatnonzero((shared["used"] == 1) & (shared["hub"] == 0) & (shared["flagged"] == 0))
    hard = np.isin(shared["kind"][rows], HARD_KINDS)
    most = -shared["members"][rows].astype(np.int64)
    newest = np.where(hard, -shared["born"][rows], 0)
    rows = rows[np.lexsort((shared["key"][rows], most, newest, hard))]
    enough = 2 * members.size // SLICE
    until = np.searchsorted(np.cumsum(shared["members"][rows]), enough) + 1
    make_hubs(state, rows[:until].astype(np.int64))


def _forget(state: NetworkState, rows: np.ndarray, give_up: GiveUp) -> NetworkState:
    if not rows.size:
        return state
    give_up(rows.astype(np.int64))
    names = np.zeros_like(state.names)
    forget_shared(state, rows.astype(np.int64), names)
    state.shared[rows] = np.zeros(1, layout.SHARED)
    return state._replace(names=names)
