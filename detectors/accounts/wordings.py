"""What an account's prompts have in common, denoised: a few wordings, each the majority of what was sent.

A template is sent with other fillings, and reworded; its 64-bit SimHash flips a few bits each time. Each
bit of a wording is voted on by the prompts nearest to it, so that flips average out: at a flip rate of a
sixth nine votes leave half a wrong bit of 64, where two prompts differ in 17. An account has up to
`MOST_WORDINGS`; what resembles none takes the place of the one that counts least.

Source: Charikar 2002 (SimHash); majority as the centroid in Hamming space, Huang 1998 (k-modes).
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.layout import WORDING
from detectors.accounts.state import AccountState
from detectors.interface.columns import Row
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.pool import NONE_LEFT, give_row, take_row
from detectors.kernels.words import ones

MOST_WORDINGS = 8
WIDE, MIDDLE, NARROW = (
    20,
    19,
    17,
)  # bits that still belong to a wording of one, two or three, more votes
_HALF_LIFE_HOURS = 48
_MOST_VOTES = 100  # of one bit: beyond it all are halved, so that a wording may move
_MOST_COUNT = 60_000
_FINE = 256  # a bit of distance in `spread`
TIGHT = 6 * _FINE  # prompts that lie so near their wording say that it is one
SURE = 9  # votes from which the majority stands, however far apart the prompts are
PRESSED = 8  # where fewer than one row in so many is left, what was sent once goes too
_NO_WORDING = np.zeros(1, WORDING)


@inlined
def weight_of(wording: Row, hour: int) -> int:
    """How much a wording counts: its prompts, halved for every two days of silence."""
    silent = max(hour - wording.hour, 0) // _HALF_LIFE_HOURS
    return np.int64(wording.count) >> min(silent, 16)


@inlined
def reach(count: int) -> int:
    """How many bits a prompt may lie from a wording of so many prompts and still vote on it."""
    if count <= 1:
        return WIDE
    return MIDDLE if count <= 3 else NARROW


@inlined
def is_told(wording: Row) -> bool:
    """Whether a wording is one: two prompts that are nearly equal, or votes enough."""
    return wording.count >= SURE or (wording.count >= 2 and wording.spread <= TIGHT)


@kernel
def vote(state: AccountState, account: int, template: np.uint64, requests: int, hour: int) -> None:
    """Take prompts of one template (uint64) of an account."""
    habit = state.habits[account]
    best, best_distance, least, least_weight, wordings = -1, 65, -1, 1 << 30, 0
    at = habit.wording - 1
    while at >= 0:
        wording = state.wordings[at]
        wordings += 1
        distance = ones(wording.word ^ template)
        if distance < best_distance:
            best, best_distance = at, distance
        weight = weight_of(wording, hour)
        if weight < least_weight:
            least, least_weight = at, weight
        at = wording.next - 1
    if best >= 0 and best_distance <= reach(state.wordings[best].count):
        _take(state.wordings[best], template, requests, best_distance, hour)
        return
    habit.unworded += 1
    at = -1
    if wordings < MOST_WORDINGS:
        at = take_row(state.wording_free, state.scalars, st.WORDING_TOP, st.WORDING_FREE)
        if at != NONE_LEFT:
            following = habit.wording
            habit.wording = at + 1
            state.wordings[at] = _NO_WORDING[0]
            state.wordings[at].next = following
        else:
            state.counters[st.WORDING_OVERFLOW] += requests
    if at < 0 and least >= 0 and least_weight <= 2:
        at = least
        following = state.wordings[at].next
        state.wordings[at] = _NO_WORDING[0]
        state.wordings[at].next = following
    if at < 0:
        return
    _take(state.wordings[at], template, requests, 0, hour)


@kernel
def _take(wording: Row, template: np.uint64, requests: int, distance: int, hour: int) -> None:
    """Let prompts of one template vote on a wording: once, however many they are."""
    gone = max(hour - wording.hour, 0) // _HALF_LIFE_HOURS
    if wording.count > 0 and gone > 0:
        wording.count = np.int64(wording.count) >> min(gone, 15)
    high = False
    for bit in range(64):
        step = 1 if (template >> np.uint64(bit)) & np.uint64(1) else -1
        wording.votes[bit] += step
        if abs(np.int64(wording.votes[bit])) >= _MOST_VOTES:
            high = True
    if high:
        for bit in range(64):
            wording.votes[bit] = np.int64(wording.votes[bit]) // 2
    count = np.int64(wording.count)
    if count == 0:
        wording.word = template
    else:
        word = np.uint64(0)
        for bit in range(64):
            place = np.uint64(1) << np.uint64(bit)
            votes = wording.votes[bit]
            if votes > 0 or (votes == 0 and (wording.word & place) != np.uint64(0)):
                word |= place
        wording.word = word
        last = np.int64(15) if count > 15 else count  # the mean of the last sixteen or so
        wording.spread = (np.int64(wording.spread) * last + distance * _FINE) // (last + 1)
    wording.count = min(count + requests, _MOST_COUNT)
    wording.sent += requests
    wording.hour = hour


@kernel
def forget_wordings(state: AccountState, account: int) -> None:
    """Give up an account's wordings."""
    at = state.habits[account].wording - 1
    while at >= 0:
        following = state.wordings[at].next - 1
        state.wordings[at] = _NO_WORDING[0]
        give_row(state.wording_free, state.scalars, st.WORDING_FREE, at)
        at = following
    state.habits[account].wording = 0


@kernel
def sweep_wordings(state: AccountState, hour: int, least: int) -> None:
    """Give back the wordings that weigh less than `least` at an hour: what was sent once, long ago first."""
    for row in range(state.scalars[st.ACCOUNTS]):
        habit = state.habits[row]
        before = -1
        at = habit.wording - 1
        while at >= 0:
            wording = state.wordings[at]
            following = wording.next - 1
            if wording.sent == 0 and weight_of(wording, hour) < least:
                if before < 0:
                    habit.wording = following + 1
                else:
                    state.wordings[before].next = following + 1
                state.wordings[at] = _NO_WORDING[0]
                give_row(state.wording_free, state.scalars, st.WORDING_FREE, at)
            else:
                before = at
            at = following
