"""The arrays of one account partition, allocated at their budgets and handed to the kernels whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.accounts.layout import ACCOUNT, MINUTE, MODEL, MODEL_DAY, WINDOW
from detectors.contract.request_event import LATEST_MS
from detectors.engine_config import BudgetConfig, EngineConfig
from detectors.exchange.rows import EDGE
from detectors.interface.clock import NO_TIME
from detectors.interface.columns import MODELS_KNOWN
from detectors.kernels.pool import power_of_two
from detectors.kernels.seen_table import table as seen_table

MEAN_ID_BYTES = 40  # of an account id, for the arena; a longer mean evicts sooner
MOST_TIME = LATEST_MS  # a kernel's own bound: no other way in may wrap a tick
PENDING_PER_MINUTE_ROW = 4  # edges and prompts of the open ticks; one event brings up to nine edges
NAME_BYTES_PER_EDGE = 64

# Scalars that the kernels move, in `scalars`.
(
    MAX_TIME,  # greatest event time seen, ms
    MARK,  # watermark raised by a written idle mark, ms
    CLOSED,  # last closed tick
    STARTED,  # first event time ever, ms
    ACCOUNTS,  # rows of `accounts` in use
    ACCOUNT_FREE,  # entries on the free stack
    ID_END,  # end of the id arena
    MINUTE_FREE,
    HOUR_FREE,
    HOUR_TOP,  # rows of `hours` ever used
    EDGES,  # pending, as are the next
    NAME_END,
    PROMPTS_PENDING,
    NEWCOMERS,
    MODELS,
    MINUTE_TOP,  # rows of `minutes` ever used
    EDGES_FULL,  # 1: pending edges are at their budget until a tick closes; so are prompts
    PROMPTS_FULL,
    REFUSING,  # no account can be given up before this closed tick moves
    SCALARS,
) = range(20)

OPEN_COUNTS = [MINUTE_TOP, MINUTE_FREE, HOUR_TOP, HOUR_FREE, EDGES, NEWCOMERS]
SCRATCH_COUNTS = [EDGES, NAME_END, PROMPTS_PENDING]

# What happened to events, in `counters`.
(
    ACCEPTED,
    DUPLICATE,
    LATE,
    LATE_MINUTE,  # behind the watermark by under a minute, ten, an hour, a day, longer
    LATE_TEN,
    LATE_HOUR,
    LATE_DAY,
    LATE_LONGER,
    DEDUPE_OVERFLOW,
    SIGHTING_OVERFLOW,
    MINUTE_OVERFLOW,
    ACCOUNT_OVERFLOW,
    ACCOUNTS_EXPIRED,
    ACCOUNTS_EVICTED,
    EDGE_OVERFLOW,
    PROMPT_OVERFLOW,
    BEYOND,  # event times that no tick can carry
    COUNTERS,
) = range(18)

PENDING_EDGE = np.dtype([*EDGE.descr, ("tick", "<i8")])
PENDING_TEMPLATE = np.dtype(
    [
        ("template", "<u8"),
        ("tick", "<i8"),
        ("time", "<i8"),
        ("output", "<i8"),
        ("account", "<i4"),
    ]
)
PENDING_NAME = np.dtype(
    [("account", "<i4"), ("tick", "<i8"), ("org_at", "<u4"), ("org_len", "<u2")]
)


class AccountState(NamedTuple):
    """Columns of one account partition.

    Only `edges`, `names`, `newcomers` and `prompts` grow, up to what `pending` allows.
    """

    accounts: np.ndarray
    slots: np.ndarray  # open addressing: row + 1 of the account, 0 empty
    free: np.ndarray
    ids: np.ndarray
    hours: np.ndarray
    hour_free: np.ndarray
    days: np.ndarray  # one row per account row
    minutes: np.ndarray
    minute_heads: np.ndarray  # hash bucket -> first row, -1 none
    minute_free: np.ndarray
    ticks: np.ndarray  # tick modulo ring -> first row of the tick, -1 none
    dedupe: np.ndarray
    sightings: np.ndarray
    models: np.ndarray  # in order of first sight until the table is full
    model_days: np.ndarray  # even and odd days of each
    edges: np.ndarray
    names: np.ndarray
    newcomers: np.ndarray
    prompts: np.ndarray
    scalars: np.ndarray
    counters: np.ndarray


def fresh_state(engine: EngineConfig, budgets: BudgetConfig) -> AccountState:
    """State of a partition that has seen nothing. Zero pages are mapped only when touched."""
    scalars = np.zeros(SCALARS, np.int64)
    scalars[[MAX_TIME, MARK, CLOSED, STARTED, REFUSING]] = NO_TIME
    accounts, minutes = budgets.accounts, budgets.minute_rows
    heads = np.full(power_of_two(minutes), -1, np.int32)
    ring = power_of_two(engine.allowed_lateness_minutes + 64)
    return AccountState(
        accounts=np.zeros(accounts, ACCOUNT),
        slots=np.zeros(power_of_two(accounts * 2), np.int32),
        free=np.zeros(accounts, np.int32),
        ids=np.zeros(accounts * MEAN_ID_BYTES, np.uint8),
        hours=np.zeros(accounts, WINDOW),
        hour_free=np.zeros(accounts, np.int32),
        days=np.zeros(accounts, WINDOW),
        minutes=np.zeros(minutes, MINUTE),
        minute_heads=heads,
        minute_free=np.zeros(minutes, np.int32),
        ticks=np.full(ring, -1, np.int32),
        dedupe=seen_table(budgets.dedupe_entries),
        sightings=seen_table(budgets.sightings),
        models=np.zeros(MODELS_KNOWN, MODEL),
        model_days=np.zeros(2 * MODELS_KNOWN, MODEL_DAY),
        edges=np.zeros(4096, PENDING_EDGE),
        names=np.zeros(1 << 18, np.uint8),
        newcomers=np.zeros(1024, PENDING_NAME),
        prompts=np.zeros(8192, PENDING_TEMPLATE),
        scalars=scalars,
        counters=np.zeros(COUNTERS, np.int64),
    )
