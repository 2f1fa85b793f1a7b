"""Family plans: three to six accounts on one card, not all under one roof."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import fingerprints
from worlds.sharing.circles import circles, everybody

# An assumption. Six is where the family plans of music and storage services end.
SHARE, SMALLEST, LARGEST = 0.04, 3, 6
AT_HOME = 0.7


def share(at: Ground, table: Actors) -> None:
    """Let the members pay with one card, most of them from one line."""
    rng = at.rng
    family = circles(rng, everybody(table), SHARE * at.sharing, SMALLEST, LARGEST)
    table["payment"][family.rows] = fingerprints(rng, family.count)[family.of]
    table["tier"][family.rows] = np.maximum(table["tier"][family.rows], 2)
    near = rng.random(len(family.rows)) < AT_HOME
    rows, first = family.rows[near], family.first[near]
    for name in ("country", "places"):
        table[name][rows] = table[name][first]
