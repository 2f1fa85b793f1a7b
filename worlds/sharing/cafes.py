"""Internet cafes: strangers on the same few machines behind the same prefix."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.places import RESIDENTIAL
from worlds.randomness import fingerprints
from worlds.sharing.circles import circles, everybody

# Assumptions: one account in fifty is used from a cafe, and its guests take whatever is free.
SHARE, SMALLEST, LARGEST = 0.02, 4, 14
GUESTS_OF_A_MACHINE = 3


def share(at: Ground, table: Actors) -> None:
    """Let guests use two of a cafe's machines each."""
    rng = at.rng
    cafe = circles(rng, everybody(table), SHARE * at.sharing, SMALLEST, LARGEST)
    guests, count = np.bincount(cafe.of, minlength=cafe.count), len(cafe.rows)
    machines = np.maximum(1, guests // GUESTS_OF_A_MACHINE)
    begins = np.cumsum(machines) - machines
    all_machines = fingerprints(rng, int(machines.sum()))
    for slot in range(2):
        seat = begins[cafe.of] + rng.integers(0, machines[cafe.of], count)
        table["devices"][cafe.rows, slot] = all_machines[seat]
    table["devices_cum"][cafe.rows] = (0.7, 1.0)
    table["country"][cafe.rows] = table["country"][cafe.first]
    lines = at.places.add(rng, RESIDENTIAL, table["country"][cafe.leads])
    table["places"][cafe.rows, 0] = lines[cafe.of]
