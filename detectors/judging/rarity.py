"""How much it says of two accounts that they share a value: the rarer, the more."""

from __future__ import annotations

import math

from numba import njit

_MAX_WEIGHT = 12.0  # ln of 160,000: rarer cannot be told apart from few data
# Nats that a coincidence of the kind is worth: values that fashion, software or place hand out are
# shared by people who have nothing to do with each other more often than their rarity says.
_COINCIDENCE = (0.0, 0.0, 2.0, 4.0, 4.0, 0.0, 3.0, 3.0, 3.0, 2.0)
# Holders from which a value says nothing of two of them; of a card or a device it always does.
_HUB = (2**31, 2**31, 256, 512, 512, 512, 256, 512, 512, 512)


@njit(cache=True)
def rarity_weight(holders: int, population: int, kind: int) -> float:
    """Nats by which sharing this value speaks for one party: ln(population / holders), 0 for hubs.

    Bounded by 0 and 12; less for kinds that strangers share by fashion, software or place.
    """
    if holders < 1 or population < 1 or holders > _HUB[kind]:
        return 0.0
    weight = math.log(population / holders) - _COINCIDENCE[kind]
    return min(max(weight, 0.0), _MAX_WEIGHT)
