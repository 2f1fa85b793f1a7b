"""An account joins a value: singles become shared keys, shared keys gain members, hubs only count."""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors import key_state as ks
from detectors.key_state import KeyState
from detectors.kinds import TEMPLATE
from detectors.recency import SEEN, combine, mix, see

STAMP = 1 << 20


@nb.njit(cache=True, inline="always")
def slot_of(key: np.uint64, kind: int) -> np.uint64:
    """Where a shared key's search begins, before masking."""
    return mix(key ^ (np.uint64(kind) << np.uint64(48)))


@nb.njit(cache=True)
def find_shared(state: KeyState, key: np.uint64, kind: int) -> int:
    """Row of a shared key, or -1."""
    mask = np.uint64(state.slots.size - 1)
    at = slot_of(key, kind) & mask
    while True:
        row = state.slots[at] - 1
        if row < 0:
            return -1
        if state.shared[row].key == key and state.shared[row].kind == kind:
            return row
        at = (at + np.uint64(1)) & mask


@nb.njit(cache=True)
def index_shared(state: KeyState, row: int) -> None:
    """Make a row findable."""
    mask = np.uint64(state.slots.size - 1)
    at = slot_of(state.shared[row].key, state.shared[row].kind) & mask
    while state.slots[at] != 0:
        at = (at + np.uint64(1)) & mask
    state.slots[at] = row + 1


@nb.njit(cache=True)
def new_shared(state: KeyState, key: np.uint64, kind: int, time: int, ip_class: int) -> int:
    """A row for a key that a second account now holds; -1 where the table is full."""
    scalars = state.scalars
    if scalars[ks.SHARED_FREE] > 0:
        scalars[ks.SHARED_FREE] -= 1
        row = state.free[scalars[ks.SHARED_FREE]]
    elif scalars[ks.SHARED] < state.shared.size:
        row = scalars[ks.SHARED]
        scalars[ks.SHARED] += 1
    else:
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


@nb.njit(cache=True)
def add_member(
    state: KeyState,
    row: int,
    account: np.uint64,
    org: np.uint64,
    time: int,
    young: bool,
    period: int,
    cap: int,
) -> None:
    """Give a shared key one more account; over the cap the key is a hub and lists no more."""
    shared = state.shared[row]
    shared.first = min(shared.first, time)
    shared.last = max(shared.last, time)
    if shared.hub == 0:
        life = combine(shared.key ^ np.uint64(shared.kind), np.uint64(shared.born))
        pair = combine(life, account)
        if see(state.pairs, pair, period, period - 2) == SEEN:
            return  # announced again in a later period: a member already
        if shared.members >= cap:
            shared.hub = 1
            state.counters[ks.HUBS] += 1
    shared.accounts += 1
    if young:
        shared.births += 1
        if shared.touched == 0:
            shared.touched = 1
            state.touched[state.scalars[ks.TOUCHED]] = row
            state.scalars[ks.TOUCHED] += 1
    if shared.hub == 1:
        return
    scalars = state.scalars
    if scalars[ks.MEMBER_FREE] > 0:
        scalars[ks.MEMBER_FREE] -= 1
        at = state.member_free[scalars[ks.MEMBER_FREE]]
    elif scalars[ks.MEMBERS] < state.members.size:
        at = scalars[ks.MEMBERS]
        scalars[ks.MEMBERS] += 1
    else:
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


@nb.njit(cache=True)
def name_shared(state: KeyState, row: int, names: np.ndarray, at: int, length: int) -> None:
    """Keep the value itself, once, for the links of an alert."""
    shared = state.shared[row]
    end = state.scalars[ks.NAME_END]
    if shared.name_len > 0 or length == 0 or end + length > state.names.size:
        return
    for i in range(length):
        state.names[end + i] = names[at + i]
    shared.name_at = end
    shared.name_len = length
    state.scalars[ks.NAME_END] = end + length


@nb.njit(cache=True)
def apply_edges(
    state: KeyState,
    edges: np.ndarray,
    names: np.ndarray,
    tick: int,
    expiry_ticks: int,
    period: int,
    cap: int,
) -> None:
    """Take first sightings of (account, value) pairs."""
    sets = np.uint64(state.singles.size // ks.SINGLE_WAYS - 1)
    for i in range(edges.size):
        edge = edges[i]
        state.announced[edge.kind] += 1
        row = find_shared(state, edge.key, edge.kind)
        if row >= 0:
            name_shared(state, row, names, edge.name_at, edge.name_len)
            add_member(state, row, edge.account, edge.org, edge.time, edge.young != 0, period, cap)
            continue
        base = (slot_of(edge.key, edge.kind) & sets) * np.uint64(ks.SINGLE_WAYS)
        victim = base
        oldest = np.int64(1 << 40)
        place = np.int64(-1)
        for way in range(ks.SINGLE_WAYS):
            at = base + np.uint64(way)
            single = state.singles[at]
            if single.key == edge.key and single.kind == edge.kind:
                place = np.int64(at)
                break
            age = np.int64(single.tick) if single.key != np.uint64(0) else np.int64(-1)
            if age < oldest:
                oldest = age
                victim = at
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
                        np.int64(single.tick) * 60000,
                        single.young != 0,
                        period,
                        cap,
                    )
                    add_member(
                        state, row, edge.account, edge.org, edge.time, edge.young != 0, period, cap
                    )
                    single.key = 0
                    state.counters[ks.SINGLES] -= 1
                continue
        else:
            place = np.int64(victim)
            if oldest < 0:
                state.counters[ks.SINGLES] += 1
            elif oldest > tick - expiry_ticks:
                state.counters[ks.SINGLES_EVICTED] += 1
        single = state.singles[place]
        single.key = edge.key
        single.kind = edge.kind
        single.account = edge.account
        single.org = edge.org
        single.young = edge.young
        single.tick = tick


@nb.njit(cache=True, inline="always")
def hamming(one: np.uint64, other: np.uint64) -> int:
    """Bits in which two templates differ."""
    word = one ^ other
    count = 0
    while word != np.uint64(0):
        word &= word - np.uint64(1)
        count += 1
    return count


@nb.njit(cache=True)
def apply_templates(
    state: KeyState,
    rows: np.ndarray,
    tick: int,
    distance: int,
    period: int,
    expiry_ticks: int,
    cap: int,
) -> None:
    """Take prompt templates: near-equal ones of several accounts form a bucket.

    A band's value names a set; within it the first template within `distance` bits is the bucket's
    representative. A template that one account alone sends waits there, and goes when older.
    """
    sets = np.uint64(state.candidates.size // ks.TEMPLATE_WAYS - 1)
    for i in range(rows.size):
        row = rows[i]
        bits = (row.template >> np.uint64(np.int64(row.band) * 16)) & np.uint64(0xFFFF)
        base = (mix(bits + np.uint64((np.int64(row.band) + 1) << 16)) & sets) * np.uint64(
            ks.TEMPLATE_WAYS
        )
        place = np.int64(-1)
        victim = base
        oldest = np.int64(1 << 40)
        for way in range(ks.TEMPLATE_WAYS):
            at = base + np.uint64(way)
            candidate = state.candidates[at]
            if candidate.tick == 0:
                if oldest > -1:
                    oldest = -1
                    victim = at
                continue
            if (
                candidate.band == row.band
                and hamming(candidate.template, row.template) <= distance
                and candidate.tick > tick - expiry_ticks
            ):
                place = np.int64(at)
                break
            if candidate.tick < oldest:
                oldest = candidate.tick
                victim = at
        if place < 0:
            if oldest > tick - expiry_ticks:
                state.counters[ks.TEMPLATES_EVICTED] += 1
            candidate = state.candidates[victim]
            candidate.template = row.template
            candidate.band = row.band
            candidate.account = row.account
            candidate.org = row.org
            candidate.young = row.young
            candidate.time = row.time
            candidate.tick = tick
            candidate.bucket = -1
            continue
        candidate = state.candidates[place]
        candidate.tick = tick
        bucket = candidate.bucket
        key = combine(candidate.template, np.uint64(np.int64(row.band) + 1))
        if bucket >= 0 and (
            state.shared[bucket].key != key or state.shared[bucket].kind != TEMPLATE
        ):
            bucket = -1  # the bucket expired and its row serves another key
        if bucket < 0:
            if candidate.account == row.account:
                continue
            bucket = find_shared(state, key, TEMPLATE)
            if bucket < 0:
                bucket = new_shared(state, key, TEMPLATE, candidate.time, 255)
                if bucket < 0:
                    continue
                state.shared[bucket].template = candidate.template
                add_member(
                    state,
                    bucket,
                    candidate.account,
                    candidate.org,
                    candidate.time,
                    candidate.young != 0,
                    period,
                    cap,
                )
            candidate.bucket = bucket
        before = state.shared[bucket].accounts
        if state.shared[bucket].hub == 0:
            add_member(state, bucket, row.account, row.org, row.time, row.young != 0, period, cap)
        state.announced[TEMPLATE] += np.int64(state.shared[bucket].accounts) - np.int64(before)
        shared = state.shared[bucket]
        shared.last = max(shared.last, row.time)
        shared.hour_requests += row.requests
        shared.hour_output += row.output
