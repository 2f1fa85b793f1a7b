"""Prompt templates on their way to the key stage: one row per band, so that near-equals meet.

A template is a 64-bit SimHash. Two that differ in at most three bits agree in one of four bands of
16 bits (pigeonhole); each band goes to the partition that its value names, where the Hamming
distance decides. Manku, Jain and Das Sarma, WWW 2007.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from detectors.account_state import AccountState
from detectors.recency import combine, mix

BANDS = 4
BAND_BITS = 16


@nb.njit(cache=True, inline="always")
def band_value(template: np.uint64, band: int) -> np.uint64:
    """The bits of a template in one band, told apart from the same bits in another band."""
    bits = (template >> np.uint64(band * BAND_BITS)) & np.uint64((1 << BAND_BITS) - 1)
    return mix(bits + np.uint64((band + 1) << BAND_BITS))


@nb.njit(cache=True)
def rows_per_band(
    state: AccountState,
    pending: np.ndarray,
    young_after: int,
    started: int,
    partitions: int,
    rows: np.ndarray,
    targets: np.ndarray,
) -> int:
    """Sum a tick's prompts per (account, template) and lay them out once per band."""
    ids = np.empty(pending.size, np.uint64)
    for i in range(pending.size):
        account = state.accounts[pending[i].account]
        ids[i] = combine(pending[i].template ^ np.uint64(0x5851F42D4C957F2D), account.fp)
    order = np.argsort(ids)
    count = 0
    i = 0
    while i < order.size:
        first = pending[order[i]]
        account = state.accounts[first.account]
        requests = 0
        output = 0
        time = first.time
        j = i
        while j < order.size and ids[order[j]] == ids[order[i]]:
            other = pending[order[j]]
            requests += 1
            output += other.output
            time = min(time, other.time)
            j += 1
        if account.created >= 0:
            young = time - account.created <= young_after
        else:
            young = account.first - started > young_after and time - account.first <= young_after
        for band in range(BANDS):
            row = rows[count]
            row.template = first.template
            row.account = account.fp
            row.org = account.org
            row.time = time
            row.output = output
            row.requests = requests
            row.band = band
            row.young = young
            targets[count] = np.int64(band_value(first.template, band) % np.uint64(partitions))
            count += 1
        i = j
    return count
