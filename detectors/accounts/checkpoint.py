"""An account partition's state as a checkpoint, and back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from detectors.accounts import state as st
from detectors.accounts.event_time import BEGINNING
from detectors.accounts.outages import Flow
from detectors.accounts.state import AccountState
from detectors.interface.clock import NO_TIME
from detectors.state.checkpoint import Bytes, Checkpoint, Restoration, grown, used_part

# Where `scalars` says how many rows of a table are in use.
GROWING = {
    "edges": st.EDGES,
    "names": st.NAME_END,
    "newcomers": st.NEWCOMERS,
    "prompts": st.PROMPTS_PENDING,
}
COUNTS = (
    {"accounts": st.ACCOUNTS, "free": st.ACCOUNT_FREE, "ids": st.ID_END, "days": st.ACCOUNTS}
    | {"hours": st.HOUR_TOP, "hour_free": st.HOUR_FREE}
    | {"minutes": st.MINUTE_TOP, "minute_free": st.MINUTE_FREE, "styles": st.MINUTE_TOP}
    | {"habits": st.ACCOUNTS, "held": st.HELD}
    | {"wordings": st.WORDING_TOP, "wording_free": st.WORDING_FREE}
    | GROWING
)


class Rest(msgspec.Struct, frozen=True):
    """What of an account partition is in no table."""

    days_open: bool
    flow: Flow = msgspec.field(default_factory=Flow)
    erased: list[int] = []  # erased, and not told yet


_decoder = msgspec.msgpack.Decoder(Rest)


def checkpoint_of(state: AccountState, rest: Rest) -> Checkpoint:
    """The state as it is; its tables are views."""
    return Checkpoint(used_part(state, COUNTS), msgspec.msgpack.encode(rest))


def restoration(fresh: AccountState) -> Restoration:
    """What fills a fresh state from kept pages."""
    return Restoration(fresh, GROWING)


def restore(
    filled: AccountState, tables: Mapping[str, Bytes], rest: bytes
) -> tuple[AccountState, Rest]:
    """The state whose restoration is complete, and what is in no table.

    `tables` are kept bytes (uint8, n each), by table.
    """
    loose = {name: grown(getattr(filled, name), tables[name]) for name in GROWING}
    state = filled._replace(**loose)
    if tables["scalars"].size <= st.VOUCHED * state.scalars.itemsize:
        _bring_up(state)
    return state, _decoder.decode(rest)


def _bring_up(state: AccountState) -> None:
    """Make the state of a version before this one's: one row moved time there, and fewer ticks were open."""
    scalars = state.scalars
    scalars[st.GREATEST] = scalars[st.MAX_TIME]
    scalars[[st.VOUCHED, st.TURN]] = max(scalars[st.MAX_TIME], scalars[st.MARK])
    scalars[st.BEGUN] = 0 if scalars[st.CLOSED] == NO_TIME else BEGINNING
    link_ticks(state)


def link_ticks(state: AccountState) -> None:
    """Lay the table of ticks anew, from the minutes that are open."""
    scalars, minutes, ticks = state.scalars, state.minutes, state.ticks
    used = np.ones(scalars[st.MINUTE_TOP], np.bool_)
    used[state.minute_free[: scalars[st.MINUTE_FREE]]] = False
    ticks[:] = -1
    for at in np.flatnonzero(used):
        slot = minutes["tick"][at] & (ticks.size - 1)
        minutes["sibling"][at] = ticks[slot]
        ticks[slot] = at
