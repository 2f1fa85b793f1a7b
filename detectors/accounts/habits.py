"""How an account makes its requests, and with which values: counted by the minute, told by the hour.

A minute's counts lie beside it and go with it into the account's open hour; what the account used in that
hour (cards, prefixes, clients, ...) is counted a row a value. At the hour's end both are told to the
campaign owner, who judges accounts that share something as one.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.layout import HABIT, HELD_VALUE, STYLE
from detectors.accounts.state import AccountState
from detectors.contract.request_event import ACCESS_PATHS, IP_CLASSES
from detectors.exchange.activity import CLIENT, COUNTRY, GROUPED
from detectors.interface.columns import Row
from detectors.interface.key_kinds import ACCOUNT_KINDS
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hash_index import put_row, row_of
from detectors.kernels.hashing import combine

WEB = ACCESS_PATHS.index("web")
HOSTING, VPN, TOR = (IP_CLASSES.index(name) for name in ("hosting", "vpn", "tor"))
MOST_VALUES = 64  # of one account in an hour: what it brings beyond is for others to have room
PERCENT = 100.0
FAILED = 400  # HTTP status from which a request failed

NO_STYLE = np.zeros(1, STYLE)
NO_HABIT = np.zeros(1, HABIT)
_NO_VALUE = np.zeros(1, HELD_VALUE)
_GROUPED = np.array([kind in GROUPED for kind in range(ACCOUNT_KINDS)], np.bool_)


@inlined
def note_style(style: Row, event: Row) -> None:
    """Count how one request of a minute is made: adds and greatest values, whatever the order."""
    style.errors += event.status >= FAILED
    style.turns += event.turn_index > 0
    style.tools += event.tool_count > 0
    style.streams += event.stream == 1
    style.web += event.access_path == WEB
    style.hosted += event.ip_class in (HOSTING, VPN, TOR)
    style.cold += event.temperature == 0.0
    if event.cot_score >= 0.0 or event.grading_score >= 0.0:
        style.scored += 1
        style.cot += np.int64(max(event.cot_score, 0.0) * PERCENT)
        style.grading += np.int64(max(event.grading_score, 0.0) * PERCENT)
    style.client = max(style.client, event.client)
    style.country = max(style.country, event.geo_country)


@kernel
def add_counts(into: Row, other: Row) -> None:
    """Add counts of requests to others of the same account: rows of STYLE or HABIT."""
    into.cot += other.cot
    into.grading += other.grading
    into.turns += other.turns
    into.tools += other.tools
    into.streams += other.streams
    into.errors += other.errors
    into.web += other.web
    into.hosted += other.hosted
    into.cold += other.cold
    into.scored += other.scored


@kernel
def merge_style(style: Row, other: Row) -> None:
    """Make one minute's counts of two."""
    add_counts(style, other)
    style.client = max(style.client, other.client)
    style.country = max(style.country, other.country)


@kernel
def add_style(habit: Row, style: Row) -> None:
    """Add a closed minute's counts to the account's hour."""
    add_counts(habit, style)
    habit.minutes += 1


@inlined
def _same_value(held: Row, wanted: tuple[int, int, np.uint64]) -> bool:
    return held.account == wanted[0] and held.kind == wanted[1] and held.key == wanted[2]


@inlined
def place_of(account: int, kind: int, key: np.uint64) -> np.uint64:
    """Where the search for an account's value begins."""
    return combine(key, np.uint64(account * 256 + kind))


@kernel
def add_value(state: AccountState, account: int, kind: int, key: np.uint64, requests: int) -> None:
    """Count requests of an account's open hour that came with a value: of its first `MOST_VALUES`."""
    start = place_of(account, kind, key)
    row = row_of(state.held_slots, start, state.held, _same_value, (account, kind, key))
    if row < 0:
        row = state.scalars[st.HELD]
        habit = state.habits[account]
        if habit.values >= MOST_VALUES:
            return
        if row == state.held.size:
            state.counters[st.HELD_OVERFLOW] += requests
            return
        state.scalars[st.HELD] = row + 1
        habit.values += 1
        put_row(state.held_slots, start, row)
        held = state.held[row]
        held.key = key
        held.account = account
        held.kind = kind
    state.held[row].requests += requests


@kernel
def add_values(state: AccountState, minute: Row, style: Row) -> None:
    """Count what a closed minute came with."""
    for kind in range(ACCOUNT_KINDS):
        if _GROUPED[kind] and minute.keys[kind] != np.uint64(0):
            add_value(state, minute.account, kind, minute.keys[kind], minute.requests)
    if style.client != np.uint64(0):
        add_value(state, minute.account, CLIENT, style.client, minute.requests)
    if style.country != 0:
        add_value(state, minute.account, COUNTRY, np.uint64(style.country), minute.requests)


@kernel
def _empty_slots(state: AccountState) -> None:
    """Make no value findable, at the cost of those that are held and not of the whole index."""
    mask = np.uint64(state.held_slots.size - 1)
    for row in range(state.scalars[st.HELD]):
        held = state.held[row]
        at = place_of(held.account, held.kind, held.key) & mask
        while state.held_slots[at] != row + 1:
            at = (at + np.uint64(1)) & mask
        state.held_slots[at] = 0


@kernel
def forget_values(state: AccountState) -> None:
    """The hour has been told: nothing is held in the next one yet."""
    _empty_slots(state)
    for row in range(state.scalars[st.HELD]):
        state.held[row] = _NO_VALUE[0]
    state.scalars[st.HELD] = 0


@kernel
def drop_values(state: AccountState, mine: np.ndarray) -> None:
    """Forget what some accounts (bool, one a row) used in the open hour, and index the others anew."""
    left = 0
    _empty_slots(state)
    for row in range(state.scalars[st.HELD]):
        held = state.held[row]
        if mine[held.account]:
            continue
        if left != row:
            state.held[left] = held
        one = state.held[left]
        put_row(state.held_slots, place_of(one.account, one.kind, one.key), left)
        left += 1
    for row in range(left, state.scalars[st.HELD]):
        state.held[row] = _NO_VALUE[0]
    state.scalars[st.HELD] = left
