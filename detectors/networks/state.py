"""The arrays of one network partition: values that one account holds, and values that several share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.engine_config import BudgetConfig
from detectors.interface.key_kinds import KINDS
from detectors.kernels.pool import power_of_two
from detectors.kernels.seen_table import table as seen_table
from detectors.networks import layout

MEMBERS_PER_KEY = 8  # mean members per shared value that the member pool allows for
MEAN_NAME_BYTES = 24
SINGLE_WAYS = 8
TEMPLATE_WAYS = 16

(SHARED, SHARED_FREE, MEMBERS, MEMBER_FREE, NAME_END, TOUCHED, KEY_SCALARS) = range(7)
(
    SINGLES_EVICTED,
    SHARED_EVICTED,
    SHARED_EXPIRED,
    SHARED_OVERFLOW,
    MEMBER_OVERFLOW,
    TEMPLATES_EVICTED,
    HUBS,
    SINGLES,
    KEY_COUNTERS,
) = range(9)


class NetworkState(NamedTuple):
    """Columns of one network partition.

    Rows of SINGLE, SHARED, MEMBER and CANDIDATE (`networks.layout`); numbers of rows are int32, names
    uint8, pairs as in `kernels.seen_table`, all else int64.
    """

    singles: np.ndarray  # set-associative: SINGLE_WAYS rows a set
    shared: np.ndarray
    slots: np.ndarray  # open addressing: row + 1 of the shared key, 0 empty
    free: np.ndarray
    members: np.ndarray
    member_free: np.ndarray
    names: np.ndarray
    candidates: np.ndarray  # set-associative: TEMPLATE_WAYS rows a set
    pairs: np.ndarray  # (shared key, account) pairs that are members, lately announced
    touched: np.ndarray  # rows joined by a new account in the open tick
    announced: np.ndarray  # per kind: pairs ever announced
    by_kind: np.ndarray  # per kind: shared keys in use
    scalars: np.ndarray
    counters: np.ndarray


def fresh_network_state(budgets: BudgetConfig) -> NetworkState:
    """State of a partition that has seen nothing. Zero pages are mapped only when touched."""
    shared = budgets.shared_keys
    return NetworkState(
        singles=np.zeros(budgets.single_keys // SINGLE_WAYS * SINGLE_WAYS, layout.SINGLE),
        shared=np.zeros(shared, layout.SHARED),
        slots=np.zeros(power_of_two(shared * 2), np.int32),
        free=np.zeros(shared, np.int32),
        members=np.zeros(shared * MEMBERS_PER_KEY, layout.MEMBER),
        member_free=np.zeros(shared * MEMBERS_PER_KEY, np.int32),
        names=np.zeros(shared * MEAN_NAME_BYTES, np.uint8),
        candidates=np.zeros(power_of_two(budgets.templates), layout.CANDIDATE),
        pairs=seen_table(shared * 4),
        touched=np.zeros(shared, np.int32),
        announced=np.zeros(len(KINDS), np.int64),
        by_kind=np.zeros(len(KINDS), np.int64),
        scalars=np.zeros(KEY_SCALARS, np.int64),
        counters=np.zeros(KEY_COUNTERS, np.int64),
    )
