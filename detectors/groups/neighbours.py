"""Cards and devices that divide a group which looks like an operator's: small cells within one content.

A card that two accounts hold says little of itself; that both are in a campaign's content, with others who
hold other cards, says that it is the campaign's. An operator who pays for accounts shares cards among some
of them; a company has one card, and its seats are the whole of what they have in common. So a value counts
where its holders are a minor part of the group that they are in.

How likely an account is in such a group and innocent is what the groups' own odds say; the chance that so
many holders are, had they come together at random, is the surprise.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.groups.forming import Groups
from detectors.interface.key_kinds import HARD_KINDS, SYSTEM, TEMPLATE

CONTENT = (TEMPLATE, SYSTEM)
LEAST_CELL, LEAST_OTHERS = (
    2,
    3,
)  # holders of the value in the group, and members of it who hold another
LEAST_RATE = (
    3e-4  # of accounts, wrongly in such groups: what no stream is large enough to tell from none
)
# Of a member's features: in spreads of the group, and how far a member may be from its middle.
LEAST_SPREAD, MOST_APART, ALIKE = 0.25, 4.0, 1.5


class Cell(NamedTuple):
    """A card or device: its place among the groups, holders in suspicious content, expected ones, nats."""

    place: int
    guilty: int
    expected: float
    surprise: float


def cells(
    groups: Groups,
    odds: NDArray[np.float64],
    least: float,
    active: int,
    features: NDArray[np.float32],
) -> list[Cell]:
    """The hard values that divide content groups of `least` odds or more, by place.

    `odds` (float64, one a group, nan where there are none) are nats; `active` is how many accounts the
    stream has now; `features` (float32, one row a member) are what members are like.
    """
    suspicious = np.flatnonzero(
        np.isin(groups.kinds, CONTENT) & (np.nan_to_num(odds, nan=-99) >= least)
    )
    homes: dict[int, list[int]] = {}
    wrong: dict[int, float] = {}
    for place in suspicious.tolist():
        innocent = 1.0 / (1.0 + math.exp(min(float(odds[place]), 60.0)))
        rows = groups.rows[groups.of_group(place)]
        for row in rows[alike(features[rows])].tolist():
            homes.setdefault(row, []).append(place)
            wrong[row] = min(wrong.get(row, 1.0), innocent)
    rate = max(sum(wrong.values()) / max(active, 1), LEAST_RATE)
    if not homes or rate >= 1.0:
        return []
    found = []
    sizes = groups.sizes
    inside = np.zeros(int(groups.rows.max()) + 1, np.bool_)
    inside[list(homes)] = True
    number = np.repeat(np.arange(groups.kinds.size), sizes)
    met_at_all = np.bincount(number, inside[groups.rows], groups.kinds.size)
    hard = np.isin(groups.kinds, HARD_KINDS) & (met_at_all >= LEAST_CELL)
    for place in np.flatnonzero(hard).tolist():
        rows = groups.rows[groups.of_group(place)].tolist()
        met = Counter(home for row in rows for home in homes.get(row, ()))
        divided = {
            home
            for home, inside in met.items()
            if inside >= LEAST_CELL
            and 2 * inside <= sizes[home]
            and sizes[home] - inside >= LEAST_OTHERS
        }
        guilty = sum(any(home in divided for home in homes.get(row, ())) for row in rows)
        if guilty >= LEAST_CELL and 2 * guilty >= len(rows):
            # The first holder brought the value: the others are who may agree with it by chance.
            surprise = binomial_surprise(guilty - 1, len(rows) - 1, rate)
            found.append(Cell(place, guilty, rate * len(rows), surprise))
    return found


def alike(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which members are as most of their group are: bool (n) of features (float32, n x features).

    Who uses an operator's prompt, or whose prompt an operator has taken up, is no member by that: he is of
    another age, at other hours, in other ways.
    """
    middle = np.median(features, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(features - middle), axis=0), LEAST_SPREAD)
    apart = np.minimum(np.abs(features - middle) / spread, MOST_APART)
    found: NDArray[np.bool_] = np.sqrt((apart**2).mean(axis=1)) <= ALIKE
    return found


def binomial_surprise(least: int, of: int, rate: float) -> float:
    """Nats of `least` or more of `of`, each with the chance `rate`."""
    if least <= 0:
        return 0.0
    logs = [
        math.lgamma(of + 1)
        - math.lgamma(k + 1)
        - math.lgamma(of - k + 1)
        + k * math.log(rate)
        + (of - k) * math.log1p(-rate)
        for k in range(least, of + 1)
    ]
    most = max(logs)
    return max(-(most + math.log(sum(math.exp(one - most) for one in logs))), 0.0)
