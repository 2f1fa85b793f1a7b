"""What stages A and B tell the campaign owner: per closed tick, the odd accounts and the odd keys.

These cross a topic, so they are plain values with a fixed field order; the codec is in `handover`.
"""

from __future__ import annotations

import msgspec

from detectors.interface.detector import Evidence


class AccountFinding(msgspec.Struct, frozen=True, array_like=True):
    """An account whose own windows look odd, before the comparison with its cohort.

    `deviation` is observed minus expected in the detector's own scale (log requests), `spread` its
    standard deviation, `windows` how many windows the baseline rests on (0: no past of its own, the
    cohort alone can judge). `first_seen`, `last_seen` are ms since epoch; the exposure figures are
    those of the window.
    """

    account: int
    cohort: int
    deviation: float
    spread: float
    windows: int
    evidence: Evidence
    first_seen: int
    last_seen: int
    requests: int
    output_tokens: int
    cost_micro: int


class CohortSum(msgspec.Struct, frozen=True, array_like=True):
    """How the accounts of one cohort moved in one window, in sums that merge over partitions.

    Sums are of 1e-6 units as integers, so that their order cannot matter. `shift_*`: deviation of
    accounts with a past of their own; `level_*`: log volume of all active accounts.
    """

    cohort: int
    shift_count: int
    shift_sum: int
    shift_squares: int
    level_count: int
    level_sum: int
    level_squares: int


class KeyFinding(msgspec.Struct, frozen=True, array_like=True):
    """A key network that more new accounts joined than its kind ever shows.

    `members` are fingerprints of the accounts that joined while new, oldest first, up to the member
    cap; `accounts` is how many hold the value in all; `dominant_org` is the organisation most of the
    members belong to (0: none known) and `in_dominant_org` how many of them. Totals are of the
    trailing day.
    """

    kind: int
    key: int
    value_fp: str
    surprise: float
    evidence: Evidence
    members: tuple[int, ...]
    accounts: int
    weight: float
    dominant_org: int
    in_dominant_org: int
    first_seen: int
    last_seen: int
    requests: int
    output_tokens: int
    capabilities: tuple[int, ...]


class AccountName(msgspec.Struct, frozen=True, array_like=True):
    """First sighting of an account: its id, and what the owner must know to judge it in company."""

    account: int
    account_id: str
    org: int
    org_id: str | None
    first_seen: int
    created: int  # ms since epoch, -1: not known


class TickFindings(msgspec.Struct, frozen=True, array_like=True):
    """Everything one source (an account or key partition) tells the owner about one closed tick."""

    tick: int
    accounts: tuple[AccountFinding, ...] = ()
    cohorts: tuple[CohortSum, ...] = ()
    keys: tuple[KeyFinding, ...] = ()
    names: tuple[AccountName, ...] = ()
    erased: tuple[int, ...] = ()  # accounts to be erased, before anything else of the tick
