"""Freelancers with an account per client, and agencies whose card several freelancers work on.

The innocent shape nearest to a divided network: cards and laptops cross, so that chains form.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import fingerprints, shared_among
from worlds.sharing.circles import circles, everybody

# Assumptions: one account in twenty is used for somebody else's work.
SHARE = 0.05
ACCOUNTS_OF_ONE = (1, 3)  # of one freelancer, on one laptop
ACCOUNTS_OF_A_CLIENT = (2, 6)  # on one client's or agency's card


def share(at: Ground, table: Actors) -> None:
    """Let accounts be divided by person on laptops and lines, and by client on cards."""
    rng = at.rng
    person = circles(rng, everybody(table), SHARE * at.sharing, *ACCOUNTS_OF_ONE)
    for name in ("country", "places", "places_cum", "devices", "devices_cum"):
        table[name][person.rows] = table[name][person.first]
    client = shared_among(rng, len(person.rows), *ACCOUNTS_OF_A_CLIENT)
    table["payment"][person.rows] = fingerprints(rng, len(person.rows))[client]
    table["tier"][person.rows] = np.maximum(table["tier"][person.rows], 2)
