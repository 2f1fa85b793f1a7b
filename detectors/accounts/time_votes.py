"""What the rows of a partition say of the time, and when it is enough to believe them.

A row more than a quarter of the slack ahead of `VOUCHED` claims a later time, one near `VOUCHED` denies
it; late ones say nothing. An account has one of 64 lots (by its keyed fingerprint, which nobody chooses)
and is for or against, as it spoke last. The last 16 claims in turn, that is without a denial between them,
are kept. Time goes on

- to the lowest of the last eight where 16 in turn were of as many accounts as half of those heard of
  late: at least two, at most 16 (`MOST_VOICES`). A gateway that sends a tenth of the traffic has 16 rows
  in turn once in 10^16 rows; an attacker needs half the accounts of a partition, on a gateway with a
  wrong clock, and silence of all others meanwhile.
- to the lowest of the last 16 where of as many accounts 64 rows more said that it was later by over the
  slack than denied it: two of three gateways outvote one that sends what is a day old.
- where all but the last lie apart by as much as the allowed lateness (a lone account, a night, a weekend):
  to the lowest of all, where three in turn were for it, of half the accounts heard of late; else 16; and
  1,024 where it is one account among four or more, for a client that was offline sends all it has at once.
- within the slack, where a mistake makes nothing late: to the lowest of as many as usually come in half
  of it (3 at least, 16 at most), or of one more than there are accounts, by a quarter as many accounts
  and two at least: a flush of one moves nothing, and people come in bursts.

A vote begins anew where as many accounts are against as for. All of it is in the partition's scalars.
"""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.kernels.compiled import inlined

ROWS_IN_TURN = st.CLAIMS_KEPT
MOST_VOICES = 16
LEAD_ROWS = 64  # 64 more for than against, where a third of the rows is wrong: once in 2^64
ROWS_ALONE = 3
MANY_HEARD = 4
ROWS_OF_ONE = 1024  # what one client kept while it was offline, and sends at once
LOTS = 64
LOTS_SHIFT = np.uint64(58)  # of an account's fingerprint
SPACING_UNIT = 64  # event time per row is kept in 1/64 ms


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
def heard_of_late(scalars: np.ndarray) -> int:
    """How many lots of accounts have spoken of late. `scalars` are int64."""
    return voices(scalars[st.SPOKE] | scalars[st.SPOKE_BEFORE])


@inlined
def speaks_for_most(scalars: np.ndarray) -> bool:
    """Whether half of the accounts heard of late say that it is later. `scalars` are int64."""
    return 2 * voices(scalars[st.RUN_FOR]) >= heard_of_late(scalars)


@inlined
def claim(scalars: np.ndarray, time: int, place: int) -> None:
    """A row of lot `place` says that it is later: `time`, ms. `scalars` are int64."""
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
def claimed(scalars: np.ndarray, back: int) -> int:
    """The claim so many before the last: its time, ms, by LOTS, and its lot."""
    return scalars[st.CLAIMS + (scalars[st.SAID] - 1 - back) % ROWS_IN_TURN]


@inlined
def _lowest(scalars: np.ndarray, rows: int) -> int:
    """The least time of the last so many claims, ms."""
    least = claimed(scalars, 0)
    for back in range(1, rows):
        least = min(least, claimed(scalars, back))
    return least // LOTS


@inlined
def voted(scalars: np.ndarray, lasting: bool, slack_ms: int) -> int:
    """How far time has come by what was said: `VOUCHED` where too few said more, ms. `scalars` are int64."""
    run = scalars[st.RUN]
    heard = heard_of_late(scalars)
    said = voices(scalars[st.RUN_FOR])
    near = scalars[st.VOUCHED] + slack_ms
    usual = slack_ms * SPACING_UNIT // (2 * max(scalars[st.SPACING], 1))  # in half the slack
    few = min(heard + 1, max(ROWS_ALONE, min(usual, ROWS_IN_TURN)))
    time = scalars[st.VOUCHED]
    if run >= few and said >= min((heard + 1) // 2, max(2, (few + 3) // 4)):
        least, rows = _lowest(scalars, few), few
        while least > near and rows < min(run, ROWS_IN_TURN):
            least = min(least, claimed(scalars, rows) // LOTS)
            rows += 1
        if least <= near:
            time = max(time, least)
    most = max(2, min((heard + 1) // 2, MOST_VOICES))
    if scalars[st.LEAD] >= LEAD_ROWS and voices(scalars[st.LEAD_LOTS]) >= most:
        time = max(time, _lowest(scalars, ROWS_IN_TURN))
    if run >= ROWS_IN_TURN and said >= most:
        time = max(time, _lowest(scalars, ROWS_IN_TURN // 2))
    one_of_many = said == 1 and heard >= MANY_HEARD
    if one_of_many and run >= ROWS_OF_ONE:  # more than any flush has: the others are gone
        scalars[st.SPOKE], scalars[st.SPOKE_BEFORE] = scalars[st.RUN_FOR], 0
        one_of_many = False
    # Few of several need as many rows as all of them do.
    rows = ROWS_ALONE if speaks_for_most(scalars) else ROWS_IN_TURN
    if lasting and run >= rows and not one_of_many:
        time = max(time, scalars[st.RUN_LOW])
    return time


@inlined
def deny(scalars: np.ndarray, lot: int) -> None:
    """A row of a lot (a bit of 64) says that it is no later. `scalars` are int64."""
    if scalars[st.LEAD] > 0:
        scalars[st.LEAD] -= 1
        if scalars[st.LEAD] == 0:
            scalars[st.LEAD_LOTS] = 0
    if scalars[st.RUN_FOR] != 0:
        scalars[st.RUN_AGAINST] |= lot
        scalars[st.RUN_FOR] &= ~lot
        scalars[st.RUN] = 0
        if voices(scalars[st.RUN_AGAINST]) >= voices(scalars[st.RUN_FOR]):
            forget_votes(scalars)


@inlined
def lead(scalars: np.ndarray, lot: int) -> None:
    """A row of a lot (a bit of 64) says that it is later by more than the slack. `scalars` are int64."""
    scalars[st.LEAD] = min(scalars[st.LEAD] + 1, LEAD_ROWS)
    scalars[st.LEAD_LOTS] |= lot


@inlined
def keep_claims(scalars: np.ndarray, beyond_ms: int) -> None:
    """Begin a vote with those of the last claims in turn that lie beyond what was just settled, ms."""
    most = min(scalars[st.RUN], ROWS_IN_TURN)
    forget_votes(scalars)
    while scalars[st.RUN] < most:
        claim = claimed(scalars, scalars[st.RUN])
        if claim // LOTS <= beyond_ms:
            break
        scalars[st.RUN] += 1
        _count_claim(scalars, claim // LOTS, claim % LOTS)
