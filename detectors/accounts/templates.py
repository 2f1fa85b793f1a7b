"""Prompt templates on their way to the network stage: one row per band, so that near-equals meet."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.ingest import is_young
from detectors.accounts.rows import dates_hold
from detectors.accounts.state import AccountState
from detectors.accounts.wordings import vote
from detectors.exchange.bands import BANDS, band_value
from detectors.interface.clock import HOUR_TICKS
from detectors.kernels.compiled import kernel
from detectors.kernels.hashing import combine
from detectors.kernels.sorting import sort_pairs

SALT = np.uint64(0x5851F42D4C957F2D)


@kernel
def prompts_of(
    state: AccountState,
    tick: int,
    ids: np.ndarray,
    order: np.ndarray,
    spare_ids: np.ndarray,
    spare: np.ndarray,
) -> int:
    """Order the pending prompts of a tick by (account, template); returns how many there are.

    `ids` and `spare_ids` are uint64, `order` and `spare` int64, each as long as the pending
    prompts; `order` receives their places.
    """
    count = 0
    for i in range(state.scalars[st.PROMPTS_PENDING]):
        pending = state.prompts[i]
        if pending.tick == tick:
            ids[count] = combine(pending.template ^ SALT, state.accounts[pending.account].fp)
            order[count] = i
            count += 1
    sort_pairs(ids, order, count, spare_ids, spare)
    return count


@kernel
def rows_per_band(
    state: AccountState,
    ids: np.ndarray,
    order: np.ndarray,
    size: int,
    new_account_ms: int,
    partitions: int,
    rows: np.ndarray,
    targets: np.ndarray,
) -> int:
    """Sum ordered prompts per (account, template) and lay them out once per band.

    `ids` (uint64) and `order` (int64) are as `prompts_of` left them; `rows` receives
    rows.TEMPLATE_ROW, `targets` the network partition of each (int64).
    """
    started, dated = state.scalars[st.STARTED], dates_hold(state.scalars)
    count = 0
    i = 0
    while i < size:
        first = state.prompts[order[i]]
        account = state.accounts[first.account]
        requests = 0
        output = 0
        time = first.time
        j = i
        while j < size and ids[j] == ids[i]:
            other = state.prompts[order[j]]
            requests += 1
            output += other.output
            time = min(time, other.time)
            j += 1
        vote(state, first.account, first.template, requests, first.tick // HOUR_TICKS)
        young = is_young(account, time, started, dated, new_account_ms)
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


@kernel
def drop_prompts(state: AccountState, tick: int) -> None:
    """Take the prompts of a closed tick out of the pending ones."""
    left = 0
    for i in range(state.scalars[st.PROMPTS_PENDING]):
        if state.prompts[i].tick != tick:
            if left != i:
                state.prompts[left] = state.prompts[i]
            left += 1
    state.scalars[st.PROMPTS_PENDING] = left
