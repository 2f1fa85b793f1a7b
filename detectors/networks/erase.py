"""Erases one account from a network partition: as a member, as the one holder of a value, as a sender.

Counts that no longer say whose they were (a value's sums, the window of its strongest evidence)
stay.
"""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import kernel
from detectors.kernels.hashing import combine
from detectors.kernels.pool import give_row
from detectors.kernels.seen_table import unsee
from detectors.networks import state as ks
from detectors.networks.state import NetworkState


def erase_member(state: NetworkState, account: np.uint64) -> None:
    """Take an account out of all tables."""
    state.counters[ks.SINGLES] -= _drop(state.singles, account)
    waiting = state.candidates["account"] == account
    alone = waiting & (state.candidates["bucket"] < 0)
    state.candidates[alone] = np.zeros(1, state.candidates.dtype)
    for column in ("account", "org", "time", "young"):
        # The template stays: it is what others were compared with.
        state.candidates[column][waiting] = 0
    _erase_memberships(state, account)


def _drop(singles: np.ndarray, account: np.uint64) -> int:
    mine = singles["account"] == account
    held = int(np.count_nonzero(singles["key"][mine]))  # a value that came to be shared has none
    singles[mine] = np.zeros(1, singles.dtype)
    return held


@kernel
def _erase_memberships(state: NetworkState, account: np.uint64) -> None:
    scalars = state.scalars
    for row in range(scalars[ks.SHARED]):
        shared = state.shared[row]
        if shared.used == 0:
            continue
        before = -1
        at = shared.member
        while at >= 0:
            member = state.members[at]
            following = member.next
            if member.account != account:
                before = at
                at = following
                continue
            if before < 0:
                shared.member = following
            else:
                state.members[before].next = following
            shared.members -= 1
            shared.accounts -= 1
            shared.births -= member.young
            life = combine(shared.key ^ np.uint64(shared.kind), np.uint64(shared.born))
            unsee(state.pairs, combine(life, account))
            member.account = np.uint64(0)
            member.org = np.uint64(0)
            member.time = 0
            give_row(state.member_free, scalars, ks.MEMBER_FREE, at)
            at = following
