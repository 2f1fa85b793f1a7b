"""What groups look like: numbers of each as a whole, that say whether its members are one operator's.

How many parties, how much of their traffic is the group's, what else they share and in how small cells, how
even and how alike they are, how new, and how far the mean member is from the stream's own population.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.exchange.activity import CLIENT, COUNTRY
from detectors.groups.forming import PRESENT, Groups
from detectors.interface.clock import DAY_MS, HOUR_MS
from detectors.interface.columns import CAPABILITY_SLOTS
from detectors.interface.key_kinds import (
    ASN,
    DEVICE,
    ORG,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
)
from detectors.interface.looks import LOOKS, OF_OTHERS
from detectors.kernels.compiled import kernel
from detectors.kernels.sorting import sort_pairs

# The kind of value by which members' other values are told, by the name that looks have.
ATTRIBUTES: dict[str, int] = dict(
    zip(
        OF_OTHERS,
        (PAYMENT, DEVICE, PREFIX, ASN, ORG, REFERRAL, SYSTEM, CLIENT, COUNTRY),
        strict=True,
    )
)
UNDATED_SPREAD = (
    1.0  # of the logs of ages, where no two members have a known one: an ordinary group's
)
FAR = np.uint64(1 << 40)
FAITHFUL = 0.4  # of a member's requests: so much of its traffic is the group's


def primaries(held: NDArray[np.void], members: int) -> NDArray[np.uint64]:
    """Each member's most used value of each attribute, 0 where it has none: uint64 (members, attributes)."""
    kinds = np.full(256, -1, np.int64)
    for place, kind in enumerate(ATTRIBUTES.values()):
        kinds[kind] = place
    found = np.zeros((members, len(ATTRIBUTES)), np.uint64)
    best = np.zeros((members, len(ATTRIBUTES)), np.float32)
    _primaries(held, kinds, found, best)
    return found


def looks_of(
    groups: Groups,
    members: NDArray[Any],
    left: NDArray[np.float32],
    features: NDArray[np.float32],
    primary: NDArray[np.uint64],
    hour: int,
) -> NDArray[np.float64]:
    """The looks of n groups: float64 (n, `LOOKS`).

    `members` are rows of MEMBER, `left` (float32, one a row) what is left of their sums, `features` those of
    `standardised` and `primary` of `primaries`, one row a member each.
    """
    count = groups.kinds.size
    looks = np.zeros((count, len(LOOKS)), np.float64)
    if not count:
        return looks
    most = int(groups.sizes.max())
    now = (hour + 1) * HOUR_MS
    created = members["created"]
    # Who is not known to be new is not new: a gateway that tells no sign-up makes nobody suspicious.
    age = np.where(created >= 0, (now - created) / DAY_MS, -1.0)
    requests = members["requests"] * left
    capability = _shares(members["capability"])
    hours = _shares(members["hours"])
    _looks(
        groups, members["org"].copy(), requests.astype(np.float64), age, capability, hours, features,
        primary, created // HOUR_MS, hour, np.zeros(most, np.uint64), np.zeros(most, np.int64),
        np.zeros(most, np.uint64), np.zeros(most, np.int64), looks,
    )  # fmt: skip
    return looks


def _shares(counts: NDArray[np.float32]) -> NDArray[np.float64]:
    total = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, total, out=np.zeros(counts.shape, np.float64), where=total > 0)


@kernel
def _primaries(held: np.ndarray, kinds: np.ndarray, found: np.ndarray, best: np.ndarray) -> None:
    for i in range(held.size):
        place = kinds[held[i].kind]
        row = held[i].row
        if place >= 0 and held[i].count >= PRESENT and held[i].count > best[row, place]:
            best[row, place] = held[i].count
            found[row, place] = held[i].key


@kernel
def _entropy_of(shares: np.ndarray, size: int) -> float:
    total = 0.0
    for i in range(size):
        total += shares[i]
    found = 0.0
    if total > 0.0:
        for i in range(size):
            if shares[i] > 0.0:
                found -= shares[i] / total * np.log(shares[i] / total)
    return found


@kernel
def _cells(
    values: np.ndarray, places: np.ndarray, size: int, spare: np.ndarray, spares: np.ndarray,
    looks: np.ndarray, at: int,
) -> None:  # fmt: skip
    """How one attribute's values fall on a group's members; fills six looks from `at` on."""
    sort_pairs(values, places, size, spare, spares)
    known = top = second = third = shared = small = cells = 0
    i = 0
    while i < size:
        j = i
        while j < size and values[j] == values[i]:
            j += 1
        run = j - i
        if values[i] != np.uint64(0):
            known += run
            if run > top:
                top, second, third = run, top, second
            elif run > second:
                second, third = run, second
            elif run > third:
                third = run
            if run >= 2:
                shared += run
                if 2 * run < size:
                    small += run
                    cells += 1
        i = j
    looks[at] = known / size
    if known > 0:
        looks[at + 1] = top / known
        looks[at + 2] = (top + second + third) / known
        looks[at + 3] = shared / known
        looks[at + 4] = small / known
    looks[at + 5] = np.log2(1.0 + cells)


@kernel
def _looks(
    groups: Groups,
    orgs: np.ndarray,
    requests: np.ndarray,
    age: np.ndarray,
    capability: np.ndarray,
    hours: np.ndarray,
    features: np.ndarray,
    primary: np.ndarray,
    born: np.ndarray,
    hour: int,
    values: np.ndarray,
    places: np.ndarray,
    spare: np.ndarray,
    spares: np.ndarray,
    looks: np.ndarray,
) -> None:
    for g in range(groups.kinds.size):
        start, stop = groups.starts[g], groups.starts[g + 1]
        size = stop - start
        own = looks[g]
        share = squares = faithful = two = volume = volumes = ages = aged = dated = 0.0
        new2 = new7 = day = three = own_capability = own_hours = 0.0
        for m in range(start, stop):
            row = groups.rows[m]
            part = min(groups.counts[m] / max(requests[row], 1e-6), 1.0)
            share += part
            squares += part * part
            faithful += part >= FAITHFUL
            two += groups.of[m] >= 2
            loud = np.log1p(requests[row])
            volume += loud
            volumes += loud * loud
            if age[row] >= 0.0:
                old = np.log1p(age[row])
                dated += 1.0
                ages += old
                aged += old * old
                new2 += age[row] <= 2.0
                new7 += age[row] <= 7.0
            day += hour - groups.joined[m] < 24
            three += hour - groups.joined[m] < 72
            own_capability += _entropy_of(capability[row], CAPABILITY_SLOTS)
            own_hours += _entropy_of(hours[row], 24)
        own[0] = np.log2(size)
        for m in range(start, stop):
            row = groups.rows[m]
            values[m - start] = orgs[row] if orgs[row] != np.uint64(0) else np.uint64(row + 1)
            places[m - start] = m
        sort_pairs(values, places, size, spare, spares)
        parties = 1
        for i in range(1, size):
            parties += values[i] != values[i - 1]
        own[1] = np.log2(parties)
        own[2] = np.log2(1.0 + groups.buckets[g])
        own[3] = share / size
        own[4] = faithful / size
        own[5] = two / size
        own[6] = np.sqrt(max(volumes / size - (volume / size) ** 2, 0.0))
        own[7] = UNDATED_SPREAD
        if dated >= 2.0:
            own[7] = np.sqrt(max(aged / dated - (ages / dated) ** 2, 0.0))
        own[8] = np.sqrt(max(squares / size - (share / size) ** 2, 0.0))
        own[9] = new2 / size
        own[10] = new7 / size
        own[11] = day / size
        own[12] = three / size
        for c in range(CAPABILITY_SLOTS):
            total = 0.0
            for m in range(start, stop):
                total += capability[groups.rows[m], c]
            if total > 0.0:
                own[15] -= total / size * np.log(total / size)
        for c in range(24):
            total = 0.0
            for m in range(start, stop):
                total += hours[groups.rows[m], c]
            if total > 0.0:
                own[16] -= total / size * np.log(total / size)
        own[13] = own[15] - own_capability / size
        own[14] = own[16] - own_hours / size
        for m in range(start, stop):
            values[m - start] = np.uint64(born[groups.rows[m]] // 6 + 1)
            if born[groups.rows[m]] < 0:
                values[m - start] = FAR + np.uint64(3 * m)  # born with nobody
            places[m - start] = m
        sort_pairs(values, places, size, spare, spares)
        together = 0
        for i in range(size):
            near = (i > 0 and values[i] - values[i - 1] <= np.uint64(1)) or (
                i + 1 < size and values[i + 1] - values[i] <= np.uint64(1)
            )
            together += near
        own[17] = together / size
        at = 18
        for kind in range(primary.shape[1]):
            for m in range(start, stop):
                values[m - start] = primary[groups.rows[m], kind]
                places[m - start] = m
            _cells(values, places, size, spare, spares, own, at)
            at += 6
        for f in range(features.shape[1]):
            total = 0.0
            for m in range(start, stop):
                total += features[groups.rows[m], f]
            own[at] = total / size
            at += 1
