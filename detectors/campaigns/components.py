"""Which shared values belong together: connected components over the accounts they have in common.

Two values link when they share enough holders (`link_shared`, and `link_share` of the smaller), or,
where both are hard (payment, device), a single one. Links are taken strongest first, and one that
would make a component of more accounts than `campaign_cap` is refused, so that none percolates.

An account counts as a holder of `_VALUES_PER_ACCOUNT` values at most: of each kind the one that most
hold, then of each kind the next, and so on. Who sprays values costs no more than another, and pushes out
by it neither what many share nor another kind of evidence.
The cost is the number of (account, pair of its values), in columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.campaigns.flagged_values import KeyId
from detectors.campaigns.fusion import Fusion
from detectors.interface.key_kinds import KINDS

_VALUES_PER_ACCOUNT = 24
_DENSE = 1_024  # up to so many values pairs are counted in a square, beyond by sorting
_CHUNK = 4_096  # links looked at together: most join what earlier ones have joined

Indices = NDArray[np.int64]


def counted(members: Mapping[KeyId, Sequence[int]]) -> dict[KeyId, list[int]]:
    """The holders that count, by value in sorted order; a value left with fewer than two says nothing.

    `members` are the holders of each value, sorted and without repeats, by value in sorted order.
    """
    keys = list(members)
    accounts, places, sizes = _columns(members)
    kinds = np.array([kind for kind, _ in keys], np.int64)
    soft = np.array([not KINDS[kind].hard for kind, _ in keys], np.bool_)
    of_kind = np.empty(
        places.size, np.int64
    )  # how many of the account's that are held more come before
    order = np.lexsort((places, -sizes[places], kinds[places], accounts))
    of_kind[order] = _ranks(accounts[order], kinds[places[order]])
    order = np.lexsort((places, -sizes[places], soft[places], of_kind, accounts))
    counts = np.empty(places.size, np.bool_)
    counts[order] = _ranks(accounts[order]) < _VALUES_PER_ACCOUNT
    if counts.all():
        return {key: list(held) for key, held in members.items() if len(held) > 1}
    ends = np.cumsum(sizes).tolist()
    found = {}
    for key, begin, end in zip(keys, [0, *ends], ends, strict=False):
        held = accounts[begin:end][counts[begin:end]].tolist()
        if len(held) > 1:
            found[key] = held
    return found


def components(members: Mapping[KeyId, Sequence[int]], rules: Fusion) -> list[list[KeyId]]:
    """The values in groups, each sorted, and so are the groups. `members` are as `counted` gives them."""
    keys = list(members)
    one, other = _links(keys, members, rules)
    parts = {i: [i] for i in range(len(keys))}
    joined = {i: set(accounts) for i, accounts in enumerate(members.values())}
    root = np.arange(len(keys))
    for begin in range(0, one.size, _CHUNK):
        ones, others = one[begin : begin + _CHUNK], other[begin : begin + _CHUNK]
        apart = root[ones] != root[others]
        for x, y in zip(ones[apart].tolist(), others[apart].tolist(), strict=True):
            a, b = int(root[x]), int(root[y])
            if a == b:
                continue
            if len(joined[a]) < len(joined[b]):
                a, b = b, a
            # An upper bound first; the exact union only where it matters.
            cap = rules.campaign_cap
            if len(joined[a]) + len(joined[b]) > cap and len(joined[a] | joined[b]) > cap:
                continue
            joined[a] |= joined.pop(b)
            root[parts[b]] = a
            parts[a] += parts.pop(b)
    return sorted([keys[i] for i in sorted(part)] for part in parts.values())


def _links(
    keys: list[KeyId], members: Mapping[KeyId, Sequence[int]], rules: Fusion
) -> tuple[Indices, Indices]:
    """Pairs of values (places in `keys`) that link, the strongest first: hard ones, then by holders."""
    accounts, places, sizes = _columns(members)
    one, other, count = _pairs(accounts, places, sizes.size)
    hard_kind = np.array([KINDS[kind].hard for kind, _ in keys], np.bool_)
    hard = hard_kind[one] & hard_kind[other]
    smaller = np.minimum(sizes[one], sizes[other])
    enough = (count >= rules.link_shared) & (count >= rules.link_share * smaller)
    links = hard | enough
    one, other, count, hard = one[links], other[links], count[links], hard[links]
    order = np.lexsort((other, one, -count, ~hard))
    return one[order], other[order]


def _pairs(
    accounts: NDArray[np.uint64], places: Indices, values: int
) -> tuple[Indices, Indices, Indices]:
    """Pairs of values that have a holder in common, and how many they have; the first place is less."""
    by_account = np.argsort(accounts, kind="stable")
    accounts, places = accounts[by_account], places[by_account]
    pairs = [
        places[:-gap][same] * values + places[gap:][same]
        for gap in range(1, min(_VALUES_PER_ACCOUNT, accounts.size))
        if (same := accounts[gap:] == accounts[:-gap]).any()
    ]
    coded = np.concatenate(pairs) if pairs else np.zeros(0, np.int64)
    if values <= _DENSE:
        counts = np.bincount(coded, minlength=1)
        found = np.flatnonzero(counts)
        count = counts[found]
    else:
        found, count = np.unique(coded, return_counts=True)
    return found // values, found % values, count.astype(np.int64)


def _columns(
    members: Mapping[KeyId, Sequence[int]],
) -> tuple[NDArray[np.uint64], Indices, Indices]:
    """Each membership as a row: the account, the place of the value. And how many hold each value."""
    sizes = np.array([len(held) for held in members.values()], np.int64)
    accounts = np.fromiter((a for held in members.values() for a in held), np.uint64, sizes.sum())
    return accounts, np.repeat(np.arange(sizes.size), sizes), sizes


def _ranks(accounts: NDArray[np.uint64], within: Indices | None = None) -> Indices:
    """How many rows of the same account (and of the same `within`) stand before each; both are sorted."""
    if not accounts.size:
        return np.zeros(0, np.int64)
    begin = accounts[1:] != accounts[:-1]
    if within is not None:
        begin |= within[1:] != within[:-1]
    begins = np.flatnonzero(np.r_[True, begin])
    return np.arange(accounts.size) - np.repeat(begins, np.diff(np.r_[begins, accounts.size]))
