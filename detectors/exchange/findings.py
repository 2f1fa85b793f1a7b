"""What stages A and B tell the campaign owner: per closed tick, the odd accounts and the odd keys.

These cross a topic, so they are plain values with a fixed field order; the codec is in `handover`.
"""

from __future__ import annotations

import msgspec

from detectors.interface.detector import Entity, Evidence


class AccountFinding(msgspec.Struct, frozen=True, array_like=True):
    """An account whose own windows look odd, before the comparison with its cohort.

    `first_seen`, `last_seen` are ms since epoch; the exposure figures are of the trailing day. Where
    the detector compares with cohorts, `deviation` is observed minus expected in its own scale (None:
    no past of its own, the cohort alone can judge) and `spread` its standard deviation; `spread` is None
    where it does not. `model` is the fingerprint of one that the account asks, by its share of the day's
    requests (0: none known).
    """

    account: int
    evidence: Evidence
    cohort: int
    first_seen: int
    last_seen: int
    requests: int
    output_tokens: int
    cost_micro: int
    deviation: float | None = None
    spread: float | None = None
    model: int = 0
    input_tokens: int = 0


class CohortSum(msgspec.Struct, frozen=True, array_like=True):
    """How the accounts of one cohort moved in one detector's windows, in sums that merge over partitions.

    Sums are of 1e-6 units as integers, so that their order cannot matter. `shift_*`: deviation of
    accounts with a past of their own; `level_*`: the day of all active accounts in the detector's scale.
    """

    detector: str
    cohort: int
    shift_count: int
    shift_sum: int
    shift_squares: int
    level_count: int
    level_sum: int
    level_squares: int

    def plus(self, other: CohortSum) -> CohortSum:
        """Both as one."""
        return CohortSum(
            self.detector,
            self.cohort,
            self.shift_count + other.shift_count,
            self.shift_sum + other.shift_sum,
            self.shift_squares + other.shift_squares,
            self.level_count + other.level_count,
            self.level_sum + other.level_sum,
            self.level_squares + other.level_squares,
        )


class GroupSum(msgspec.Struct, frozen=True, array_like=True):
    """A closed UTC day of all accounts of a partition in one group, in sums that merge over partitions.

    `entity` says what kind of group ("model", "cohort", "organisation"), `group` which; `name` is what
    a person calls it, where that is known. `templates` counts requests by `TEMPLATE_GROUPS` groups.
    """

    entity: Entity
    group: int
    requests: int
    input: int
    output: int
    accounts: int
    capability: tuple[int, ...]
    templates: tuple[int, ...]
    name: str = ""


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
    evidence: tuple[Evidence, ...]
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

    @property
    def surprise(self) -> float:
        """Of its strongest evidence."""
        return max(e.surprise for e in self.evidence)


class TickFindings(msgspec.Struct, frozen=True, array_like=True):
    """Everything one source (an account or network partition) tells the owner about one closed tick."""

    tick: int
    accounts: tuple[AccountFinding, ...] = ()
    cohorts: tuple[CohortSum, ...] = ()
    keys: tuple[KeyFinding, ...] = ()
    groups: tuple[GroupSum, ...] = ()
    erased: tuple[int, ...] = ()  # accounts to be erased, before anything else of the tick
