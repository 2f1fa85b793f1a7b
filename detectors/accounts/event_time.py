"""How far event time has come in a partition: by what several accounts say, never by one row.

Two times are kept. `VOUCHED` is how far several accounts say that time has come; `MAX_TIME` (from which
the watermark follows) is the greatest event time that lies at most a *slack* ahead of that: half the
allowed lateness, or `engine.future_minutes` where that is less. So one clock, however wrong, makes no
punctual event late.

What lies ahead votes. A row more than a quarter of the slack ahead of `VOUCHED` claims a later time, one
near `VOUCHED` denies it; late ones say nothing. An account has one of 64 lots (by its keyed fingerprint,
which nobody chooses) and is for or against, as it spoke last. The last 16 claims in turn, that is without
a denial between them, are kept. Time goes on

- to the lowest of the last eight where 16 in turn were of as many accounts as half of those heard of
  late: at least two, at most 16 (`MOST_VOICES`). A gateway that sends a tenth of the traffic has 16 rows
  in turn once in 10^16 rows; an attacker needs half the accounts of a partition, on a gateway with a
  wrong clock, and silence of all others meanwhile.
- to the lowest of the last 16 where of as many accounts 64 rows more said that it was later by over the
  slack than denied it: two of three gateways outvote one that sends what is a day old.
- where all but the last lie apart by as much as the allowed lateness (a lone account, a night, a weekend):
  to the lowest of all, where three in turn were for it, of half the accounts heard of late; else 16.
- within the slack, where a mistake makes nothing late: to the lowest of as many as usually come in half
  of it (3 at least, 16 at most), or of one more than there are accounts, by half as many accounts.

A vote begins anew where as many accounts are against as for. A written mark (what other partitions
say) is a floor of the watermark, and says what is not too far; it moves neither time: a worker writes
its marks by the clock, a replay between records, and both must find the same. All of it is integers in
the partition's scalars, a function of its records alone.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.engine_config import EngineConfig
from detectors.interface.clock import DAY_MS, MINUTE_MS, NO_TIME
from detectors.kernels.compiled import inlined, kernel

ROWS_IN_TURN = st.CLAIMS_KEPT
MOST_VOICES = 16
LEAD_ROWS = 64
ROWS_ALONE = 3
BEGINNING = 16  # rows within which a stream's first rows may turn out to have been wrong
ROWS_EARLIER = 4  # that say so, where they and the first are of one account
# A weekend: what lies so far ahead is taken without more ado, and moves nothing.
OPEN_MS = 3 * DAY_MS
LOTS = 64
LOTS_SHIFT = np.uint64(58)
SPACING_UNIT = 64  # event time per row is kept in 1/64 ms
SPACING_SHARE = 64  # and moves a 64th of the way with each row
LONGEST_PAUSE_MS = 22 * DAY_MS  # that counts for what is usual
PLAUSIBLE = 128  # a pause of so many usual ones is a pause: what was one once, is one for a while

TAKEN, MOVED, AHEAD, TOO_FAR, BEGUN_ANEW = range(5)
LATENESS, SLACK, FARTHEST, GAP = range(4)  # places in `times_of`


@inlined
def voices(lots: int) -> int:
    """How many lots are in a set of 64."""
    left = np.uint64(lots)
    left -= (left >> np.uint64(1)) & np.uint64(0x5555555555555555)
    twos = np.uint64(0x3333333333333333)
    left = (left & twos) + ((left >> np.uint64(2)) & twos)
    left = (left + (left >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((left * np.uint64(0x0101010101010101)) >> np.uint64(56))  # type: ignore[return-value]


@inlined
def forget_votes(scalars: np.ndarray) -> None:
    """Whatever was said so far for a later time is unsaid. `scalars` are int64."""
    scalars[st.RUN] = 0
    scalars[st.RUN_FOR] = 0
    scalars[st.RUN_AGAINST] = 0


@inlined
def _vouch(scalars: np.ndarray, time: int, lateness_ms: int) -> None:
    """Time has come to `time`."""
    scalars[st.VOUCHED] = time
    scalars[st.MAX_TIME] = max(scalars[st.MAX_TIME], time)
    if time - scalars[st.TURN] >= lateness_ms:
        scalars[st.SPOKE_BEFORE] = scalars[st.SPOKE]
        scalars[st.SPOKE] = scalars[st.RUN_FOR]
        scalars[st.TURN] = time
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
def speaks_for_most(scalars: np.ndarray) -> bool:
    """Whether half of the accounts heard of late say that it is later. `scalars` are int64."""
    heard = voices(scalars[st.SPOKE] | scalars[st.SPOKE_BEFORE])
    return 2 * voices(scalars[st.RUN_FOR]) >= heard


@inlined
def _claim(scalars: np.ndarray, time: int, place: int) -> None:
    """A row of lot `place` says that it is later: `time`."""
    scalars[st.CLAIMS + scalars[st.SAID] % ROWS_IN_TURN] = time * LOTS + place
    scalars[st.SAID] += 1
    scalars[st.RUN] += 1
    _count_claim(scalars, time, place)


@inlined
def _count_claim(scalars: np.ndarray, time: int, place: int) -> None:
    if scalars[st.RUN_FOR] == 0:
        scalars[st.RUN_LOW] = scalars[st.RUN_HIGH] = time
    scalars[st.RUN_FOR] |= np.int64(1) << place
    scalars[st.RUN_AGAINST] &= ~(np.int64(1) << place)
    scalars[st.RUN_LOW] = min(scalars[st.RUN_LOW], time)
    scalars[st.RUN_HIGH] = max(scalars[st.RUN_HIGH], time)


@inlined
def _claimed(scalars: np.ndarray, back: int) -> int:
    """The claim so many before the last: its time and lot."""
    return scalars[st.CLAIMS + (scalars[st.SAID] - 1 - back) % ROWS_IN_TURN]


@inlined
def _lowest(scalars: np.ndarray, rows: int) -> int:
    """The least time of the last so many claims, ms."""
    least = _claimed(scalars, 0)
    for back in range(1, rows):
        least = min(least, _claimed(scalars, back))
    return least // LOTS


@inlined
def _voted(scalars: np.ndarray, lasting: bool, slack_ms: int) -> int:
    """How far time has come by what was said; NO_TIME where too few said so."""
    run = scalars[st.RUN]
    heard = voices(scalars[st.SPOKE] | scalars[st.SPOKE_BEFORE])
    said = voices(scalars[st.RUN_FOR])
    near = scalars[st.VOUCHED] + slack_ms
    usual = slack_ms * SPACING_UNIT // (2 * max(scalars[st.SPACING], 1))  # in half the slack
    few = min(heard + 1, max(ROWS_ALONE, min(usual, ROWS_IN_TURN)))
    voted = np.int64(NO_TIME)
    if run >= few and said >= min((heard + 1) // 2, (few + 1) // 2):
        rows = few
        while rows < min(run, ROWS_IN_TURN) and _lowest(scalars, rows) > near:
            rows += 1
        if _lowest(scalars, rows) <= near:
            voted = _lowest(scalars, rows)
    most = max(2, min((heard + 1) // 2, MOST_VOICES))
    if scalars[st.LEAD] >= LEAD_ROWS and voices(scalars[st.LEAD_LOTS]) >= most:
        voted = max(voted, _lowest(scalars, ROWS_IN_TURN))
    if run >= ROWS_IN_TURN and said >= most:
        voted = max(voted, _lowest(scalars, ROWS_IN_TURN // 2))
    # One account of several needs as many rows as all of them do.
    rows = ROWS_ALONE if speaks_for_most(scalars) else ROWS_IN_TURN
    if lasting and run >= rows:
        voted = max(voted, scalars[st.RUN_LOW])
    return voted


@inlined
def _keep_claims(scalars: np.ndarray, beyond_ms: int) -> None:
    """Begin a vote with those of the last claims in turn that lie beyond what was just settled."""
    most = min(scalars[st.RUN], ROWS_IN_TURN)
    forget_votes(scalars)
    while scalars[st.RUN] < most:
        claim = _claimed(scalars, scalars[st.RUN])
        if claim // LOTS <= beyond_ms:
            break
        scalars[st.RUN] += 1
        _count_claim(scalars, claim // LOTS, claim % LOTS)


@inlined
def _begins_anew(scalars: np.ndarray, account: int, lot: int, time: int, lateness_ms: int) -> bool:
    """Whether the first rows of a stream were the wrong ones, by what those after them say."""
    scalars[st.BEGUN] += 1
    if time >= scalars[st.VOUCHED] - lateness_ms:
        return False
    scalars[st.EARLIER] += 1
    scalars[st.EARLIER_LOTS] |= lot
    others = scalars[st.BEGUN] - scalars[st.EARLIER]
    return scalars[st.EARLIER] > others and (
        voices(scalars[st.EARLIER_LOTS]) > 1
        or (scalars[st.EARLIER] >= ROWS_EARLIER and account == scalars[st.FIRST])
    )


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
        scalars[st.LEAD] += 1
        scalars[st.LEAD_LOTS] |= lot
    if time <= vouched + slack_ms // 4:
        if scalars[st.LEAD] > 0 and time > vouched - lateness_ms:
            scalars[st.LEAD] -= 1
            if scalars[st.LEAD] == 0:
                scalars[st.LEAD_LOTS] = 0
        if scalars[st.RUN_FOR] != 0 and time > vouched - lateness_ms:
            scalars[st.RUN_AGAINST] |= lot
            scalars[st.RUN_FOR] &= ~lot
            scalars[st.RUN] = 0
            if voices(scalars[st.RUN_AGAINST]) >= voices(scalars[st.RUN_FOR]):
                forget_votes(scalars)
    elif scalars[st.RUN] == 0 or _claimed(scalars, 0) != time * LOTS + place:
        # What one account sends again is said once; what others say of the same moment is heard.
        last = _claimed(scalars, 0) // LOTS if scalars[st.RUN] > 0 else time
        # Without this row, which may be the wrong one.
        lasting = (
            scalars[st.RUN_FOR] != 0
            and scalars[st.RUN_HIGH] - scalars[st.RUN_LOW] >= lateness_ms
        )
        _claim(scalars, time, place)
        voted = _voted(scalars, lasting, slack_ms)
        if voted != NO_TIME:
            vouched = voted
            if lasting and voices(scalars[st.SPOKE] | scalars[st.SPOKE_BEFORE]) == 1:
                # Nearly to what was said last: by less than the lateness, should that be wrong. And
                # where rows lie days apart, so far that they can be taken.
                both = min(last, time)  # of the last two one may be wrong
                nearly = min(both, vouched + lateness_ms) - slack_ms // 2
                vouched = max(vouched, nearly, both - OPEN_MS)
            _vouch(scalars, vouched, lateness_ms)
            _keep_claims(scalars, vouched + slack_ms // 4)
    if time <= vouched + slack_ms:
        scalars[st.MAX_TIME] = max(scalars[st.MAX_TIME], time)
    gone = min(scalars[st.MAX_TIME] - before, LONGEST_PAUSE_MS)
    scalars[st.SPACING] += (gone * SPACING_UNIT - scalars[st.SPACING]) // SPACING_SHARE
    beginning = scalars[st.BEGUN] < BEGINNING
    if scalars[st.MAX_TIME] // MINUTE_MS != scalars[st.TURN] // MINUTE_MS:
        scalars[st.BEGUN] = BEGINNING  # a tick closes: that is told, and not taken back
    if time > max(vouched, reached(scalars, lateness_ms)) + times[FARTHEST]:
        return TOO_FAR
    known = max(vouched, elsewhere)
    if time > known + OPEN_MS and not beginning:
        if (time - known) * SPACING_UNIT > PLAUSIBLE * scalars[st.SPACING]:
            return TOO_FAR
    scalars[st.GREATEST] = max(scalars[st.GREATEST], time)
    if gone > 0:
        return MOVED
    return AHEAD if time > known + slack_ms else TAKEN


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
