"""Groups: the accounts that hold one value now, and those whose prompts share templates.

A card or a device that two parties hold makes a group, another value three; accounts of one organisation are
one party. Templates that the same accounts use are one group: where three or more hold both, a good part of
the smaller's holders and of the larger's. Both sides: a framework that a campaign uses too is held by most
of the campaign, and the campaign is few of its holders.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.interface.key_kinds import (
    COHORT,
    DEVICE,
    HARD_KINDS,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
    TEMPLATE,
)
from detectors.kernels.compiled import kernel

GROUP_KINDS = (PAYMENT, DEVICE, PREFIX, REFERRAL, SYSTEM, COHORT, TEMPLATE)
PRESENT = 0.3  # of a request, faded: who used it within four days or so holds it
LEAST_PARTIES, LEAST_OF_HARD = 3, 2
JOIN_LEAST, JOIN_SMALLER, JOIN_LARGER = 3, 0.3, 0.25
_MOST_PAIRED = 12  # templates of one account of which pairs are counted: its most used


class Groups(NamedTuple):
    """n groups and their m memberships, in columns.

    `kinds` (uint8, n) and `keys` (uint64, n) are the value, of a template group its leader with most
    holders; `buckets` (int32, n) how many values it has. Members of group i are from `starts[i]` to
    `starts[i + 1]` (int64, n + 1): `rows` (int32, m), `counts` (float32, m: requests with its values,
    faded), `joined` (int32, m: hour), `of` (int32, m: how many of its values).
    """

    kinds: NDArray[np.uint8]
    keys: NDArray[np.uint64]
    buckets: NDArray[np.int32]
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.float32]
    joined: NDArray[np.int32]
    of: NDArray[np.int32]

    def of_group(self, place: int) -> slice:
        """Where a group's memberships are."""
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Members of each: int64, n."""
        return np.diff(self.starts)


def form(held: NDArray[np.void], orgs: NDArray[np.uint64]) -> Groups:
    """The groups among HELD rows in order of value; `orgs` (uint64) of the members, by row."""
    least = np.full(256, 1 << 30, np.int64)
    for kind in GROUP_KINDS:
        least[kind] = LEAST_OF_HARD if kind in HARD_KINDS else LEAST_PARTIES
    bounds = np.zeros((held.size // 2 + 1, 2), np.int64)
    numbers, codes = np.unique(np.append(orgs, np.uint64(0)), return_inverse=True)
    met = np.full(numbers.size, -1, np.int64)
    count = _runs(held, codes[:-1].astype(np.int64), met, least, bounds)
    bounds = bounds[:count]
    kinds = held["kind"][bounds[:, 0]]
    plain = bounds[kinds != TEMPLATE]
    template = bounds[kinds == TEMPLATE]
    parts = [_of_values(held, plain), _of_templates(held, template, orgs.size)]
    return _joined([part for part in parts if part.kinds.size]) if count else parts[0]


def _of_values(held: NDArray[np.void], bounds: NDArray[np.int64]) -> Groups:
    """A group of the holders of each value; `bounds` (int64, n x 2) are the places of its rows."""
    lengths = bounds[:, 1] - bounds[:, 0]
    starts = np.concatenate(([0], np.cumsum(lengths)))
    places = np.repeat(bounds[:, 0] - starts[:-1], lengths) + np.arange(int(starts[-1]))
    present = held["count"][places] >= PRESENT
    kept = places[present]
    ends = np.concatenate(([0], np.cumsum(present)))[starts]
    return Groups(
        held["kind"][bounds[:, 0]],
        held["key"][bounds[:, 0]],
        np.ones(lengths.size, np.int32),
        ends.astype(np.int64),
        held["row"][kept],
        held["count"][kept],
        held["joined"][kept],
        np.ones(kept.size, np.int32),
    )


def _of_templates(held: NDArray[np.void], bounds: NDArray[np.int64], members: int) -> Groups:
    """Groups of templates that the same accounts use; `bounds` as for values."""
    each = _of_values(held, bounds)
    count = each.kinds.size
    if count < 2:
        return each
    number = np.repeat(np.arange(count), each.sizes)
    order = np.lexsort((number, -each.counts, each.rows))
    codes = np.zeros(order.size * (_MOST_PAIRED - 1) // 2 + 1, np.int64)
    used = _pairs(each.rows[order], number[order], count, codes)
    pairs, both = np.unique(codes[:used], return_counts=True)
    first, second = pairs // count, pairs % count
    sizes = each.sizes
    smaller = np.minimum(sizes[first], sizes[second])
    larger = np.maximum(sizes[first], sizes[second])
    near = (both >= JOIN_LEAST) & (both >= JOIN_SMALLER * smaller) & (both >= JOIN_LARGER * larger)
    root = np.arange(count)
    _unite(root, first[near], second[near])
    return _as_one(each, root[number], root)


def _as_one(each: Groups, group: NDArray[np.int64], root: NDArray[np.int64]) -> Groups:
    """Joined templates as one group: each member once, with all it sent. `group` (m), `root` (n): int64."""
    order = np.lexsort((each.rows, group))
    rows, group = each.rows[order], group[order]
    first = np.ones(rows.size, np.bool_)
    first[1:] = (rows[1:] != rows[:-1]) | (group[1:] != group[:-1])
    at = np.flatnonzero(first)
    counts = np.add.reduceat(each.counts[order], at)
    joined = np.minimum.reduceat(each.joined[order], at)
    of = np.diff(np.append(at, rows.size))
    heads, starts = np.unique(group[at], return_index=True)
    # Called by its value that most hold; of equals the least, whatever order they came in.
    by_size = np.lexsort((each.keys, -each.sizes, root))
    roots, best = np.unique(root[by_size], return_index=True)
    assert np.array_equal(heads, roots)
    return Groups(
        np.full(heads.size, TEMPLATE, np.uint8),
        each.keys[by_size[best]],
        np.bincount(root, minlength=root.size)[heads].astype(np.int32),
        np.append(starts, at.size).astype(np.int64),
        rows[at],
        counts.astype(np.float32),
        joined,
        of.astype(np.int32),
    )


def _joined(parts: list[Groups]) -> Groups:
    starts, end = [np.zeros(1, np.int64)], 0
    for part in parts:
        starts.append(part.starts[1:] + end)
        end += int(part.starts[-1])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    columns[3] = np.concatenate(starts)
    return Groups(*columns)


@kernel
def _runs(
    held: np.ndarray,
    orgs: np.ndarray,
    met: np.ndarray,
    least: np.ndarray,
    bounds: np.ndarray,
) -> int:
    """Where the rows of each value begin and end that parties enough hold: int64 pairs, how many.

    `orgs` (int64, one a member) number organisations from 1, 0 is none; `met` (int64, one an organisation
    and one more) is scratch, all -1.
    """
    count = 0
    start = 0
    while start < held.size:
        first = held[start]
        stop = start
        parties = 0
        while stop < held.size and held[stop].kind == first.kind and held[stop].key == first.key:
            if held[stop].count >= PRESENT:
                org = orgs[held[stop].row]
                if org == 0 or met[org] != start:
                    parties += 1
                met[org] = start
            stop += 1
        if parties >= least[first.kind]:
            bounds[count, 0] = start
            bounds[count, 1] = stop
            count += 1
        start = stop
    return count


@kernel
def _pairs(rows: np.ndarray, numbers: np.ndarray, count: int, codes: np.ndarray) -> int:
    """Each pair of an account's templates, of its `_MOST_PAIRED` most used, as one number."""
    used = 0
    start = 0
    while start < rows.size:
        stop = start
        while stop < rows.size and rows[stop] == rows[start]:
            stop += 1
        last = min(stop, start + _MOST_PAIRED)
        for i in range(start, last):
            for j in range(i + 1, last):
                if used < codes.size:
                    low = min(numbers[i], numbers[j])
                    codes[used] = low * count + max(numbers[i], numbers[j])
                    used += 1
        start = stop
    return used


@kernel
def _unite(root: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
    """Join sets: `root` (int64) is each one's least member afterwards."""
    for i in range(first.size):
        a, b = first[i], second[i]
        while root[a] != a:
            a = root[a]
        while root[b] != b:
            b = root[b]
        if a != b:
            root[max(a, b)] = min(a, b)
    for i in range(root.size):
        at = i
        while root[at] != at:
            at = root[at]
        root[i] = at
