"""An account joins a value: singles become shared keys, shared keys gain members, hubs only count.

A value that anybody can use (a place, a prompt) is a hub once more than the cap hold it: public, and of
nobody; but not before it was judged with those who joined in the same tick, nor if it was called odd: then
it lists `CROWD_ROOM` times as many. A card or a device is no hub however many hold it. So who adds accounts
to a value frees nobody by that.
"""

from __future__ import annotations

import numpy as np

from detectors.interface.clock import MINUTE_MS
from detectors.interface.columns import Row
from detectors.interface.key_kinds import CROWD_ROOM, KINDS
from detectors.kernels.arena import append
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hash_index import put_row, row_of
from detectors.kernels.hashing import combine, mix
from detectors.kernels.pool import NONE_LEFT, give_row, take_row
from detectors.kernels.row_sets import look_up
from detectors.kernels.seen_table import SEEN, see
from detectors.networks import state as ks
from detectors.networks.state import NetworkState

_HARD = np.array([kind.hard for kind in KINDS])


@inlined
def hash_of(key: np.uint64, kind: int) -> np.uint64:
    """Hash of a value: where its search begins, among the shared ones and among the single ones."""
    return mix(key ^ (np.uint64(kind) << np.uint64(48)))


@inlined
def same_value(row: Row, wanted: tuple[np.uint64, int]) -> bool:
    """Whether a row (of shared keys, of single ones) is of a key and kind."""
    return row.key == wanted[0] and row.kind == wanted[1]


@kernel
def find_shared(state: NetworkState, key: np.uint64, kind: int) -> int:
    """Row of a shared key, or -1."""
    return row_of(state.slots, hash_of(key, kind), state.shared, same_value, (key, kind))


@kernel
def index_shared(state: NetworkState, row: int) -> None:
    """Make a row findable."""
    put_row(state.slots, hash_of(state.shared[row].key, state.shared[row].kind), row)


@kernel
def new_shared(state: NetworkState, key: np.uint64, kind: int, time: int, ip_class: int) -> int:
    """A row for a key that a second account now holds; -1 where the table is full."""
    row = take_row(state.free, state.scalars, ks.SHARED, ks.SHARED_FREE)
    if row == NONE_LEFT:
        state.counters[ks.SHARED_OVERFLOW] += 1
        return -1
    shared = state.shared[row]
    shared.key = key
    shared.kind = kind
    shared.used = 1
    shared.born = time
    shared.first = time
    shared.last = time
    shared.ip_class = ip_class
    shared.member = -1
    state.by_kind[kind] += 1
    index_shared(state, row)
    return row


@kernel
def make_hub(state: NetworkState, row: int) -> None:
    """A key that too many hold names nobody any more; what was flagged keeps those it named."""
    shared = state.shared[row]
    shared.hub = 1
    state.counters[ks.HUBS] += 1
    if shared.flagged == 0:
        release_members(state, row)


@kernel
def make_hubs(state: NetworkState, rows: np.ndarray) -> None:
    """Make hubs of the keys in `rows`. `rows` are int64."""
    for row in rows:
        make_hub(state, row)


@kernel
def settle_crowds(state: NetworkState, rows: np.ndarray, cap: int) -> None:
    """Make hubs of the values (int64 rows) that more hold than the cap, if they were judged and not odd."""
    for row in rows:
        shared = state.shared[row]
        odd = shared.flagged == 1 or _HARD[shared.kind]
        if shared.members > cap and shared.hub == 0 and not odd:
            make_hub(state, row)


@kernel
def release_members(state: NetworkState, row: int) -> None:
    """Empty a key's member list."""
    shared = state.shared[row]
    at = shared.member
    while at >= 0:
        give_row(state.member_free, state.scalars, ks.MEMBER_FREE, at)
        at = state.members[at].next
    shared.member = -1
    shared.members = 0


@kernel
def add_member(
    state: NetworkState,
    row: int,
    account: np.uint64,
    org: np.uint64,
    time: int,
    young: bool,
    period: int,
    cap: int,
) -> None:
    """Give a shared key one more account; over the cap it lists no more, and all but hard ones are hubs."""
    shared = state.shared[row]
    hard = _HARD[shared.kind]
    crowd = hard or young or shared.touched == 1 or shared.flagged == 1
    full = shared.members >= (cap * CROWD_ROOM if crowd else cap)
    shared.first = min(shared.first, time)
    shared.last = max(shared.last, time)
    if shared.hub == 0:
        life = combine(shared.key ^ np.uint64(shared.kind), np.uint64(shared.born))
        pair = combine(life, account)
        if see(state.pairs, pair, period, period - 2) == SEEN:
            return  # announced again in a later period: a member already
        if full and not hard:
            make_hub(state, row)
    shared.accounts += 1
    if young:
        shared.births += 1
        if shared.touched == 0:
            shared.touched = 1
            state.touched[state.scalars[ks.TOUCHED]] = row
            state.scalars[ks.TOUCHED] += 1
    if shared.hub == 1 or full:
        return
    at = take_row(state.member_free, state.scalars, ks.MEMBERS, ks.MEMBER_FREE)
    if at == NONE_LEFT:
        state.counters[ks.MEMBER_OVERFLOW] += 1
        return
    member = state.members[at]
    member.account = account
    member.org = org
    member.time = time
    member.young = young
    member.next = shared.member
    shared.member = at
    shared.members += 1


@kernel
def name_shared(state: NetworkState, row: int, names: np.ndarray, at: int, length: int) -> None:
    """Keep the value itself, once, for the links of an alert. `names` is uint8."""
    shared = state.shared[row]
    end = state.scalars[ks.NAME_END]
    if shared.name_len > 0 or length == 0 or end + length > state.names.size:
        return
    shared.name_at = end
    shared.name_len = length
    state.scalars[ks.NAME_END] = append(state.names, end, names, at, length)


@inlined
def note_holder(row: Row, holder: Row, tick: int) -> None:
    """Note in a row (of single values, of templates) which account alone holds it, and since when."""
    row.account = holder.account
    row.org = holder.org
    row.young = holder.young
    row.tick = tick


@kernel
def apply_edges(
    state: NetworkState,
    edges: np.ndarray,
    names: np.ndarray,
    tick: int,
    expiry_ticks: int,
    period: int,
    cap: int,
) -> None:
    """Take first sightings of (account, value) pairs.

    `edges` are rows.EDGE, `names` (uint8) what they point to.
    """
    sets = np.uint64(state.singles.size // ks.SINGLE_WAYS)
    for i in range(edges.size):
        edge = edges[i]
        state.announced[edge.kind] += 1
        row = find_shared(state, edge.key, edge.kind)
        if row >= 0:
            name_shared(state, row, names, edge.name_at, edge.name_len)
            add_member(state, row, edge.account, edge.org, edge.time, edge.young != 0, period, cap)
            continue
        base = np.int64(hash_of(edge.key, edge.kind) % sets) * ks.SINGLE_WAYS
        wanted = (edge.key, edge.kind)
        place, victim = look_up(state.singles, base, ks.SINGLE_WAYS, same_value, wanted)
        if place >= 0:
            single = state.singles[place]
            fresh = single.tick > tick - expiry_ticks
            if single.account != edge.account and fresh:
                row = new_shared(state, edge.key, edge.kind, edge.time, edge.ip_class)
                if row >= 0:
                    name_shared(state, row, names, edge.name_at, edge.name_len)
                    add_member(
                        state,
                        row,
                        single.account,
                        single.org,
                        np.int64(single.tick) * MINUTE_MS,
                        single.young != 0,
                        period,
                        cap,
                    )
                    add_member(
                        state, row, edge.account, edge.org, edge.time, edge.young != 0, period, cap
                    )
                    single.key = 0
                    single.tick = 0
                    state.counters[ks.SINGLES] -= 1
                continue
        else:
            place = victim
            before = state.singles[place].tick
            if before == 0:
                state.counters[ks.SINGLES] += 1
            elif before > tick - expiry_ticks:
                state.counters[ks.SINGLES_EVICTED] += 1
        single = state.singles[place]
        single.key = edge.key
        single.kind = edge.kind
        note_holder(single, edge, tick)
