"""Dormitories: students of one house behind one prefix."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import STUDENT
from worlds.ground import Ground
from worlds.places import EDU
from worlds.sharing.circles import circles

# Assumptions.
SHARE, SMALLEST, LARGEST = 0.4, 4, 20  # of the students


def share(at: Ground, table: Actors) -> None:
    """Let many students live by houses."""
    rng = at.rng
    students = np.flatnonzero(table["rhythm"] == STUDENT)
    house = circles(rng, students, min(1.0, SHARE * at.sharing), SMALLEST, LARGEST)
    table["country"][house.rows] = table["country"][house.first]
    lines = at.places.add(rng, EDU, table["country"][house.leads])
    table["places"][house.rows, 0] = lines[house.of]
