"""Prompt templates meet: near-equal ones of several accounts become one shared key per band."""

from __future__ import annotations

import numpy as np

from detectors.exchange.bands import band_bits, band_value
from detectors.interface.columns import Row
from detectors.interface.key_kinds import TEMPLATE
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import combine
from detectors.kernels.row_sets import look_up
from detectors.kernels.words import ones
from detectors.networks import state as ks
from detectors.networks.members import add_member, find_shared, new_shared, note_holder
from detectors.networks.state import NetworkState


@inlined
def _near(candidate: Row, wanted: tuple[np.uint64, int, int, int]) -> bool:
    template, band, distance, before = wanted
    return (
        candidate.band == band
        and candidate.tick != 0
        and candidate.tick > before
        and band_bits(candidate.template, band) == band_bits(template, band)
        and ones(candidate.template ^ template) <= distance
    )


@kernel
def apply_templates(
    state: NetworkState,
    rows: np.ndarray,
    tick: int,
    distance: int,
    period: int,
    expiry_ticks: int,
    cap: int,
) -> None:
    """Take prompt templates: near-equal ones of several accounts form a bucket.

    A band's value names a set; within it the first template within `distance` bits is the bucket's
    representative. A template that one account alone sends waits there, and goes when older. `rows`
    are rows.TEMPLATE_ROW.
    """
    sets = np.uint64(state.candidates.size // ks.TEMPLATE_WAYS - 1)
    for i in range(rows.size):
        row = rows[i]
        base = np.int64(band_value(row.template, row.band) & sets) * ks.TEMPLATE_WAYS
        wanted = (row.template, row.band, distance, tick - expiry_ticks)
        place, victim = look_up(state.candidates, base, ks.TEMPLATE_WAYS, _near, wanted)
        if place < 0:
            place = victim
            candidate = state.candidates[place]
            if candidate.tick != 0 and candidate.tick > tick - expiry_ticks:
                state.counters[ks.TEMPLATES_EVICTED] += 1
            candidate.template = row.template
            candidate.band = row.band
            candidate.time = row.time
            note_holder(candidate, row, tick)
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
