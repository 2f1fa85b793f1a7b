"""The models that a partition's accounts ask: which are known, what each is called, and its days.

A model's day is summed over all accounts as events come. Two days may be open at once (lateness ends
within one), so each model has a row for even and one for odd days.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.layout import NO_MODEL_DAY
from detectors.accounts.state import AccountState
from detectors.exchange.findings import GroupSum
from detectors.interface.clock import DAY_TICKS, MINUTE_MS
from detectors.interface.columns import CAPABILITY_SLOTS, TEMPLATE_GROUPS, Row
from detectors.kernels.compiled import inlined, kernel


@kernel
def find_model(state: AccountState, event: Row, buffer: np.ndarray) -> int:
    """Place of an event's model among the known ones, -1 where there is none for it.

    A model becomes known by its first answer: a misspelt name is answered with an error. Where the
    table is full it takes the place of the one longest unused, if that is a day. `event` is a row
    of EVENT, `buffer` (uint8) holds the model's name.
    """
    scalars = state.scalars
    tick = event.event_time // MINUTE_MS
    known = scalars[st.MODELS]
    oldest = 0
    for place in range(known):
        model = state.models[place]
        if model.fp == event.model:
            model.used = max(model.used, tick)
            return place
        if model.used < state.models[oldest].used:
            oldest = place
    if event.status >= 400:
        return -1
    if known < state.models.size:
        oldest = known
        scalars[st.MODELS] = known + 1
    elif tick - state.models[oldest].used < DAY_TICKS:
        return -1
    model = state.models[oldest]
    model.fp = event.model
    model.used = tick
    model.name_len = min(np.int64(event.model_len), model.name.size)
    for i in range(model.name_len):
        model.name[i] = buffer[event.model_at + i]
    for day in range(2):
        state.model_days[2 * oldest + day] = NO_MODEL_DAY[0]
    return oldest


@inlined
def add_to_model(state: AccountState, event: Row, place: int, given: int, taken: int) -> None:
    """Count an event (a row of EVENT) with so many tokens in and out in its model's day."""
    day = event.event_time // (MINUTE_MS * DAY_TICKS)
    at = 2 * place + (day & 1)
    if state.model_days[at].day != day:
        state.model_days[at] = NO_MODEL_DAY[0]
        state.model_days[at].day = day
    row = state.model_days[at]
    row.requests += 1
    row.input += given
    row.output += taken
    if event.capability < CAPABILITY_SLOTS:
        row.capability[event.capability] += 1
    if event.has_template:
        row.templates[event.template & np.uint64(TEMPLATE_GROUPS - 1)] += 1


def close_models(state: AccountState, tick: int) -> list[GroupSum]:
    """The sums of the models' day that ends with `tick`, in order of fingerprint."""
    rows = np.flatnonzero(
        (state.model_days["day"] == tick // DAY_TICKS) & (state.model_days["requests"] > 0)
    )
    closed = [_sum_of(state.models[at // 2], state.model_days[at]) for at in rows.tolist()]
    state.model_days[rows] = NO_MODEL_DAY
    return sorted(closed, key=lambda one: one.group)


def _sum_of(model: np.void, day: np.void) -> GroupSum:
    name = bytes(model["name"][: model["name_len"]]).decode("utf-8", "replace")
    return GroupSum(
        "model",
        int(model["fp"]),
        int(day["requests"]),
        int(day["input"]),
        int(day["output"]),
        0,
        tuple(day["capability"].tolist()),
        tuple(day["templates"].tolist()),
        name,
    )
