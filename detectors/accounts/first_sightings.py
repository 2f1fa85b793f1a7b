"""First sightings: the keys that an event came with, and which of them its account never showed."""

from __future__ import annotations

import numpy as np

from detectors.accounts import state as st
from detectors.accounts.rows import LONGEST_NAME, copy_name, signed_up, write_number
from detectors.accounts.state import AccountState
from detectors.interface.clock import HOUR_MS
from detectors.interface.columns import Row
from detectors.interface.key_kinds import (
    ACCOUNT_KINDS,
    ASN,
    COHORT,
    DEVICE,
    ORG,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
    TLS,
)
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import combine, mix
from detectors.kernels.seen_table import NEW_BY_EVICTION, SEEN, see

TOLD = 64
PRESSED = 4  # edges or prompts take one place in so many of their budget
LATE_CROWD = 256 * TOLD


@kernel
def fill_keys(event: Row, account: Row, keys: np.ndarray, dated: bool) -> np.uint64:
    """The event's key of each kind (0 not known), and one fingerprint of them all.

    `keys` is uint64, one place a kind; `dated` says whether sign-ups are believed.
    """
    zero = np.uint64(0)
    keys[PAYMENT] = event.payment
    keys[DEVICE] = event.device
    keys[PREFIX] = event.prefix
    keys[ASN] = zero
    if event.asn >= 0:
        keys[ASN] = combine(np.uint64(event.asn + 1), np.uint64(event.ip_class))
    keys[TLS] = combine(event.tls, event.client) if event.tls != zero else zero
    keys[ORG] = event.org
    keys[REFERRAL] = event.referral
    keys[SYSTEM] = event.system
    keys[COHORT] = account.keys[COHORT]
    if dated and keys[COHORT] == zero and event.asn >= 0 and event.signup != 255:
        created = signed_up(event, account)
        if created >= 0:
            # The sign-up's own AS is not in an event: the first AS seen stands for it.
            source = combine(np.uint64(event.asn + 1), np.uint64(event.signup))
            keys[COHORT] = combine(np.uint64(created // HOUR_MS), source)
    keyset = np.uint64(0)
    for kind in range(ACCOUNT_KINDS):
        keyset = mix(keyset ^ keys[kind]) + np.uint64(kind)
    return keyset


@kernel
def value_of(event: Row, kind: int) -> tuple[int, int]:
    """Where the value itself stands in the buffer, and its length; 0 where a kind has none.

    As `KINDS` has them: an AS is a number, and a cohort is in no event.
    """
    none = np.uint32(0), np.uint16(0)
    payment, device = (event.payment_at, event.payment_len), (event.device_at, event.device_len)
    prefix, tls = (event.prefix_at, event.prefix_len), (event.tls_at, event.tls_len)
    org, referral = (event.org_at, event.org_len), (event.referral_at, event.referral_len)
    system = event.system_at, event.system_len
    values = (payment, device, prefix, none, tls, org, referral, system, none)
    return values[kind]  # type: ignore[return-value]


@inlined
def drawn(lot: np.uint64, crowd: int) -> bool:
    """Whether one of a crowd is among the `TOLD` that its lot lets through.

    All are where they are no more than that. The n-th comes through with a chance of TOLD in n, so
    that n of them cost what their logarithm does, and what comes again in other minutes is told in
    the end. Fingerprints are keyed: nobody can choose a lot.
    """
    if crowd <= TOLD:
        return True
    return (mix(lot) >> np.uint64(32)) * np.uint64(crowd) < np.uint64(TOLD << 32)


@inlined
def late_crowd(state: AccountState) -> int:
    """The crowd that a late event counts as: it has no minute that says how many there were."""
    pressed = state.scalars[st.EDGES] * PRESSED > state.minutes.size * st.PENDING_PER_MINUTE_ROW
    return LATE_CROWD if pressed else 0


@kernel
def announce(
    state: AccountState,
    event: Row,
    buffer: np.ndarray,
    row: int,
    keys: np.ndarray,
    tick: int,
    period: int,
    young: bool,
    crowd: int,
) -> None:
    """Note each value that this account has not shown before in the expiry period.

    `buffer` (uint8) holds the values, `keys` (uint64, one place a kind) their fingerprints. Of a
    `crowd` of requests beyond the account's share, so many values are told by lot.
    """
    account = state.accounts[row]
    scalars = state.scalars
    if account.period != (period & 0xFFFF):
        account.period = period & 0xFFFF
        for kind in range(ACCOUNT_KINDS):
            if kind != COHORT:
                account.keys[kind] = 0
        renewed = True
    else:
        renewed = False
    for kind in range(ACCOUNT_KINDS):
        key = keys[kind]
        if key == np.uint64(0) or (account.keys[kind] == key and not (renewed and kind == COHORT)):
            continue
        if not drawn(key ^ np.uint64(tick), crowd):
            state.counters[st.EDGE_BY_LOT] += 1
            continue  # unremembered: another minute's lot may tell it
        if (
            scalars[st.EDGES] >= state.edges.size
            or scalars[st.NAME_END] + LONGEST_NAME > state.names.size
        ):
            state.counters[st.EDGE_OVERFLOW] += 1
            continue  # unremembered, so that it is told when there is room again
        # The value an account holds is in its row; the table remembers those it held before. Most
        # accounts hold one value of a kind and cost the table nothing.
        held = account.keys[kind]
        account.keys[kind] = key
        if held != np.uint64(0) and held != key:
            before = combine(held ^ np.uint64(kind), account.fp)
            if see(state.sightings, before, period, period - 1) == NEW_BY_EVICTION:
                state.counters[st.SIGHTING_OVERFLOW] += 1
            pair = combine(key ^ np.uint64(kind), account.fp)
            outcome = see(state.sightings, pair, period, period - 1)
            if outcome == SEEN:
                continue
            if outcome == NEW_BY_EVICTION:
                state.counters[st.SIGHTING_OVERFLOW] += 1
        edge = state.edges[scalars[st.EDGES]]
        edge.key = key
        edge.account = account.fp
        edge.org = account.org
        edge.time = event.event_time
        edge.kind = kind
        edge.young = young
        edge.ip_class = event.ip_class
        edge.tick = tick
        edge.name_at = scalars[st.NAME_END]
        at, length = value_of(event, kind)
        if kind == ASN:
            length = write_number(state, event.asn)
        else:
            copy_name(state, buffer, at, length)
        edge.name_len = length
        scalars[st.EDGES] += 1
