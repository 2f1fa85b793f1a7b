"""How far event time has come in a partition: by what several accounts say, never by one row.

Two times are kept. `VOUCHED` is how far several accounts say that time has come; `MAX_TIME` (from which
the watermark follows) is the greatest event time that lies at most a *slack* ahead of that: half the
allowed lateness, or `engine.future_minutes` where that is less. So one clock, however wrong, makes no
punctual event late.

What lies ahead votes (`time_votes`). A written mark (what other partitions say) is a floor of the watermark,
and says what is not too far; it moves neither time: a worker writes its marks by the clock, a replay between
records, and both must find the same. All of it is integers in the partition's scalars, a function of its
records alone.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.time_votes import (
    LOTS,
    LOTS_SHIFT,
    SPACING_UNIT,
    claim,
    claimed,
    deny,
    forget_votes,
    heard_of_late,
    keep_claims,
    lead,
    voices,
    voted,
)
from detectors.engine_config import EngineConfig
from detectors.interface.clock import DAY_MS, MINUTE_MS, NO_TIME
from detectors.kernels.compiled import inlined, kernel

BEGINNING = 16  # rows within which a stream's first rows may turn out to have been wrong
MOST_UNSETTLED_TICKS = st.OPEN_TICKS // 8
TURN_ROWS = 16
ROWS_EARLIER = 4  # that say so, where they and the first are of one account
# A weekend: what lies so far ahead is taken without more ado, and moves nothing.
OPEN_MS = 3 * DAY_MS
SPACING_SHARE = 64  # and moves a 64th of the way with each row
LONGEST_PAUSE_MS = 22 * DAY_MS  # that counts for what is usual
PLAUSIBLE = 128  # a pause of so many usual ones is a pause: what was one once, is one for a while

TAKEN, MOVED, AHEAD, TOO_FAR, BEGUN_ANEW = range(5)
LATENESS, SLACK, FARTHEST, GAP = range(4)  # places in `times_of`


@inlined
def _vouch(scalars: np.ndarray, time: int, lateness_ms: int) -> None:
    """Time has come to `time`."""
    scalars[st.VOUCHED] = time
    scalars[st.MAX_TIME] = max(scalars[st.MAX_TIME], time)
    # Where rows are rare, a turn lasts for as many: else who is heard of late is who spoke last.
    usual = TURN_ROWS * scalars[st.SPACING] // SPACING_UNIT
    if time - scalars[st.TURN] >= max(lateness_ms, usual):
        scalars[st.SPOKE_BEFORE] = scalars[st.SPOKE]
        scalars[st.SPOKE] = scalars[st.RUN_FOR]
        scalars[st.TURN] = time
    if heard_of_late(scalars) > 1 and scalars[st.EARLIER] == 0:
        scalars[st.BEGUN] = BEGINNING


@inlined
def follow_mark(scalars: np.ndarray, watermark_ms: int) -> None:
    """Nothing before `watermark_ms` is expected: another partition has come further.

    `scalars` are a partition's, int64.
    """
    scalars[st.MARK] = max(scalars[st.MARK], watermark_ms)
    scalars[st.BEGUN] = BEGINNING


@inlined
def reached(scalars: np.ndarray, lateness_ms: int) -> int:
    """The watermark plus the allowed lateness; NO_TIME before there is one."""
    if scalars[st.MARK] == NO_TIME:
        return scalars[st.MAX_TIME]
    return max(scalars[st.MAX_TIME], scalars[st.MARK] + lateness_ms)


@inlined
def _elsewhere(scalars: np.ndarray, ahead_ms: int) -> int:
    """How far the other partitions had come at the last mark, which trails them by `ahead_ms`."""
    return NO_TIME if scalars[st.MARK] == NO_TIME else scalars[st.MARK] + ahead_ms


@inlined
def _begins_anew(scalars: np.ndarray, account: int, lot: int, time: int, lateness_ms: int) -> bool:
    """Whether the first rows of a stream were the wrong ones, by what those after them say."""
    scalars[st.BEGUN] += 1
    if time >= scalars[st.VOUCHED] - lateness_ms:
        return False
    scalars[st.EARLIER] += 1
    scalars[st.EARLIER_LOTS] |= lot
    others = scalars[st.BEGUN] - scalars[st.EARLIER]
    earlier = voices(scalars[st.EARLIER_LOTS])
    if earlier > max(1, voices(scalars[st.SPOKE] & ~scalars[st.EARLIER_LOTS])):
        return True  # more accounts say so than not, however often each says it
    return scalars[st.EARLIER] > others and (
        earlier > 1 or (scalars[st.EARLIER] >= ROWS_EARLIER and account == scalars[st.FIRST])
    )


@inlined
def _may_settle(scalars: np.ndarray) -> bool:
    """Whether a tick may close, which is told and not taken back: on the word of two accounts at least.

    One that is alone for longer than is kept open, or says so `BEGINNING` times, is believed too.
    """
    if scalars[st.EARLIER] > 0:
        return False
    passed = scalars[st.MAX_TIME] // MINUTE_MS
    if scalars[st.CLOSED] != NO_TIME and passed - scalars[st.CLOSED] > MOST_UNSETTLED_TICKS:
        return True
    return bool(passed != scalars[st.TURN] // MINUTE_MS and voices(scalars[st.SPOKE]) > 1)


@kernel
def tell_time(
    scalars: np.ndarray,
    account: np.uint64,
    time: int,
    times: np.ndarray,
) -> int:
    """Take what a row says of the time: TAKEN, or MOVED where `MAX_TIME` is another than before.

    AHEAD is a row that moves nothing, though it is taken; TOO_FAR one that cannot be kept open until
    time gets there, or that would be a pause unlike any here; BEGUN_ANEW says that the stream's first
    rows were wrong, and that time has gone back. `scalars` are int64, `times` what `times_of` returns.
    """
    lateness_ms, slack_ms = times[LATENESS], times[SLACK]
    place = np.int64(account >> LOTS_SHIFT)
    lot = np.int64(1) << place
    vouched = scalars[st.VOUCHED]
    before = scalars[st.MAX_TIME]
    elsewhere = _elsewhere(scalars, lateness_ms + times[GAP])
    if vouched == NO_TIME and elsewhere != NO_TIME and time > elsewhere + slack_ms:
        # Not on its word alone: the others were not there yet.
        vouched = elsewhere
        scalars[st.VOUCHED] = scalars[st.TURN] = elsewhere
        scalars[st.MAX_TIME] = before = elsewhere - times[GAP]
    if vouched == NO_TIME:
        scalars[st.VOUCHED] = scalars[st.TURN] = scalars[st.MAX_TIME] = time
        scalars[st.GREATEST] = time
        scalars[st.SPOKE] = lot
        scalars[st.FIRST] = np.int64(account)
        scalars[st.BEGUN] = max(scalars[st.BEGUN], 1)
        return MOVED
    scalars[st.SPOKE] |= lot
    who = np.int64(account)
    if scalars[st.BEGUN] < BEGINNING and _begins_anew(scalars, who, lot, time, lateness_ms):
        scalars[st.VOUCHED] = scalars[st.TURN] = scalars[st.MAX_TIME] = time
        scalars[st.SPOKE_BEFORE] = 0
        scalars[st.SPOKE] = scalars[st.EARLIER_LOTS]
        scalars[st.BEGUN] = BEGINNING
        forget_votes(scalars)
        return BEGUN_ANEW
    if time > vouched + slack_ms:
        lead(scalars, lot)
    if time <= vouched + slack_ms // 4:
        if time > vouched - lateness_ms:
            deny(scalars, lot)
    elif scalars[st.RUN] == 0 or claimed(scalars, 0) != time * LOTS + place:
        # What one account sends again is said once; what others say of the same moment is heard.
        last = claimed(scalars, 0) // LOTS if scalars[st.RUN] > 0 else time
        # Without this row, which may be the wrong one.
        lasting = (
            scalars[st.RUN_FOR] != 0 and scalars[st.RUN_HIGH] - scalars[st.RUN_LOW] >= lateness_ms
        )
        claim(scalars, time, place)
        said = voted(scalars, lasting, slack_ms)
        if said > vouched:
            if said > vouched + slack_ms:
                scalars[st.LEAD] = scalars[st.LEAD_LOTS] = 0
            vouched = said
            if lasting and heard_of_late(scalars) == 1:
                # Nearly to what was said last: by less than the lateness, should that be wrong. And
                # where rows lie days apart, so far that they can be taken.
                both = min(last, time)  # of the last two one may be wrong
                nearly = min(both, vouched + lateness_ms) - slack_ms // 2
                vouched = max(vouched, nearly, both - OPEN_MS)
            _vouch(scalars, vouched, lateness_ms)
            keep_claims(scalars, vouched + slack_ms // 4)
    if time <= vouched + slack_ms:
        scalars[st.MAX_TIME] = max(scalars[st.MAX_TIME], time)
    gone = min(scalars[st.MAX_TIME] - before, LONGEST_PAUSE_MS)
    scalars[st.SPACING] += (gone * SPACING_UNIT - scalars[st.SPACING]) // SPACING_SHARE
    beginning = scalars[st.BEGUN] < BEGINNING
    if beginning and _may_settle(scalars):
        scalars[st.BEGUN] = BEGINNING
    if time > reached(scalars, lateness_ms) + times[FARTHEST]:
        return TOO_FAR
    known = max(vouched, elsewhere)
    far = time > known + OPEN_MS and not beginning
    if far and (time - known) * SPACING_UNIT > PLAUSIBLE * scalars[st.SPACING]:  # no usual pause
        return TOO_FAR
    scalars[st.GREATEST] = max(scalars[st.GREATEST], time)
    if gone > 0:
        return MOVED
    return AHEAD if time > known + slack_ms else TAKEN


@inlined
def within_ring(scalars: np.ndarray, tick: int) -> bool:
    """Whether a tick can be open beside all that is. `scalars` are int64."""
    first = min(scalars[st.CLOSED], tick)
    return max(scalars[st.GREATEST] // MINUTE_MS, tick) - first < st.OPEN_TICKS - 4


def times_of(engine: EngineConfig) -> np.ndarray:
    """What `tell_time` goes by, int64, ms: at LATENESS, SLACK, FARTHEST and GAP.

    The allowed lateness; how far one row alone may be ahead of what several say and still move the
    watermark; how far ahead a row may lie (the ring of open ticks ends there); and by how much a
    mark trails the other partitions.
    """
    lateness = engine.allowed_lateness_minutes * MINUTE_MS
    slack = min(engine.future_minutes * MINUTE_MS, lateness // 2)
    farthest = (st.OPEN_TICKS - 4) * MINUTE_MS - lateness
    return np.array([lateness, slack, farthest, engine.idle_gap_minutes * MINUTE_MS], np.int64)


def reached_by(scalars: np.ndarray, lateness_minutes: int) -> int:
    """The event time that a partition has reached, ms; NO_TIME before it has. `scalars` are int64."""
    return int(reached(scalars, lateness_minutes * MINUTE_MS))
