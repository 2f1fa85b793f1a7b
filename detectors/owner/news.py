"""What a tick brings to the owner, and what of it has to be looked at."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from detectors.campaigns.flagged_values import KeyId
from detectors.campaigns.population_book import GroupEvidence
from detectors.exchange.findings import AccountFinding, KeyFinding
from detectors.interface.detector import Evidence

Due = tuple[
    str, int | str | KeyId
]  # what waits (key, own, account, network, group, watch), and which


class Reviewed(NamedTuple):
    """What control events changed: for which accounts other families are allowed, and releases (ms)."""

    accounts: frozenset[int]
    releases: tuple[int, ...]


class News(NamedTuple):
    """What a tick brings, in canonical order.

    `named` are accounts whose names came; `odd` are findings with the evidence that their cohort
    leaves of them; `reviewed` is what control changed, if anything; `erased` are accounts to be erased
    before anything else.
    """

    named: frozenset[int]
    odd: tuple[tuple[AccountFinding, Evidence], ...]
    keys: tuple[KeyFinding, ...]
    reviewed: Reviewed | None
    groups: tuple[GroupEvidence, ...] = ()
    erased: tuple[int, ...] = ()


class Touched(msgspec.Struct):
    """What a tick has to look at: accounts and campaigns by id, keys to group anew.

    `linked`: the campaigns of keys that an allowance may bring in or put out.
    """

    accounts: set[int]
    networks: set[str]
    dirty: set[KeyId]
    left: set[str]
    linked: dict[KeyId, str]
