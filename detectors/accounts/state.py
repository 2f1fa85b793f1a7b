"""The arrays of one account partition, allocated at their budgets and handed to the kernels whole."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.accounts.layout import (
    ACCOUNT,
    HABIT,
    HELD_VALUE,
    MINUTE,
    MODEL,
    MODEL_DAY,
    STYLE,
    WINDOW,
    WORDING,
)
from detectors.contract.request_event import LATEST_MS
from detectors.engine_config import BudgetConfig, EngineConfig
from detectors.exchange.rows import EDGE
from detectors.interface.clock import NO_TIME
from detectors.interface.columns import MODELS_KNOWN
from detectors.kernels.pool import power_of_two
from detectors.kernels.seen_table import contents_of
from detectors.kernels.seen_table import table as seen_table

MEAN_ID_BYTES = 40  # of an account id, for the arena; a longer mean evicts sooner
MOST_TIME = LATEST_MS  # a kernel's own bound: no other way in may wrap a tick
PENDING_PER_MINUTE_ROW = 4  # edges and prompts of the open ticks; one event brings up to nine edges
NAME_BYTES_PER_EDGE = 64
VALUES_PER_ACCOUNT = (
    4  # of the open hour: accounts have seven or so, and not all are active in one hour
)
OPEN_TICKS = 1 << 15  # 22 days: so far ahead of time an event may be kept open

# Scalars that the kernels move, in `scalars`.
(
    MAX_TIME,  # event time that was reached, ms: the watermark and the allowed lateness
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
    FOLDED,  # making one row of each minute frees too few before this closed tick moves
    CROWDED,  # nor does taking newcomers'
    VOUCHED,  # event time that several accounts have reached, ms; as the next, see `event_time`
    GREATEST,  # greatest event time of a row that was taken, ms
    RUN,  # rows in turn that say it is later
    RUN_FOR,  # lots of accounts that say so, and that deny it
    RUN_AGAINST,
    RUN_LOW,  # least and greatest time that was said so, ms
    RUN_HIGH,
    SPACING,  # event time per row, in 1/64 ms
    SPOKE,  # lots heard since `TURN`, and in the turn before
    SPOKE_BEFORE,
    TURN,  # ms
    BEGUN,  # rows since the beginning, up to where it is one no longer
    EARLIER,  # of them, those far before the first; and their accounts' lots
    EARLIER_LOTS,
    FIRST,  # account of the first row
    DATED_LONG_AGO,  # lots of accounts that signed up days before, and of those that did of late
    DATED_OF_LATE,
    LEAD,  # rows that said it was later by more than the slack, less those that denied it
    LEAD_LOTS,  # and their lots
    SAID,  # rows that ever said it was later
    CLAIMS,  # the last 16 of them, a ring: time and lot
) = range(42)
CLAIMS_KEPT = 16
(
    HELD,  # rows of `held` in use
    WORDING_TOP,  # rows of `wordings` ever used
    WORDING_FREE,
) = range(CLAIMS + CLAIMS_KEPT, CLAIMS + CLAIMS_KEPT + 3)
SCALARS = WORDING_FREE + 1

OF_TIME = [MAX_TIME, MARK, CLOSED, STARTED, REFUSING, *range(VOUCHED, CLAIMS + CLAIMS_KEPT)]
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
    REUSED,  # accepted though the id was seen: with other content
    NO_USAGE,  # accepted and counted in a window, but not their tokens: usage is not known
    TOO_YOUNG,  # accepted with a sign-up later than days on which the account was active
    MISPLACED,  # accepted, of accounts that Kafka's default partitioner sends elsewhere
    MINUTE_COARSE,  # accepted, but counted for its account and not for all its values
    MINUTES_EVICTED,  # accepted, and taken out again to make room for accounts with a past
    EDGE_BY_LOT,  # first sightings left out, for now, of an account that brings too many; so prompts
    PROMPT_BY_LOT,
    AHEAD,  # taken though far ahead of what others say
    TOO_FAR,  # set aside, because even further ahead
    HELD_OVERFLOW,  # values of an account's hour that were not counted, for lack of room
    WORDING_OVERFLOW,  # prompts of accounts for whose wording no room was left
    COUNTERS,
) = range(30)

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
    contents: np.ndarray  # beside each entry of `dedupe`: what happened
    styles: np.ndarray  # beside each minute: how its requests are made
    habits: np.ndarray  # beside each account: the same of its open hour
    held: np.ndarray  # what an account used in the open hour, a row a value
    held_slots: np.ndarray  # open addressing: row + 1 of `held`, 0 empty
    wordings: np.ndarray  # of accounts' prompts, chained from `habits`
    wording_free: np.ndarray


def fresh_state(engine: EngineConfig, budgets: BudgetConfig) -> AccountState:
    """State of a partition that has seen nothing. Zero pages are mapped only when touched."""
    scalars = np.zeros(SCALARS, np.int64)
    scalars[[MAX_TIME, MARK, CLOSED, STARTED, REFUSING, FOLDED, CROWDED, VOUCHED, GREATEST]] = (
        NO_TIME
    )
    accounts, minutes = budgets.accounts, budgets.minute_rows
    heads = np.full(power_of_two(minutes), -1, np.int32)
    dedupe = seen_table(budgets.dedupe_entries)
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
        ticks=np.full(OPEN_TICKS, -1, np.int32),
        dedupe=dedupe,
        sightings=seen_table(budgets.sightings),
        models=np.zeros(MODELS_KNOWN, MODEL),
        model_days=np.zeros(2 * MODELS_KNOWN, MODEL_DAY),
        edges=np.zeros(4096, PENDING_EDGE),
        names=np.zeros(1 << 18, np.uint8),
        newcomers=np.zeros(1024, PENDING_NAME),
        prompts=np.zeros(8192, PENDING_TEMPLATE),
        scalars=scalars,
        counters=np.zeros(COUNTERS, np.int64),
        contents=contents_of(dedupe),
        styles=np.zeros(minutes, STYLE),
        habits=np.zeros(accounts, HABIT),
        held=np.zeros(accounts * VALUES_PER_ACCOUNT, HELD_VALUE),
        held_slots=np.zeros(power_of_two(accounts * VALUES_PER_ACCOUNT * 2), np.int32),
        wordings=np.zeros(accounts, WORDING),
        wording_free=np.zeros(accounts, np.int32),
    )


def begun_anew(state: AccountState, engine: EngineConfig, budgets: BudgetConfig) -> AccountState:
    """A state that has seen nothing, at the same time: the few rows that a stream began with were wrong."""
    fresh = fresh_state(engine, budgets)
    fresh.scalars[OF_TIME] = state.scalars[OF_TIME]
    fresh.scalars[GREATEST] = fresh.scalars[MAX_TIME]
    fresh.counters[:] = state.counters
    return fresh
