"""Circles of accounts that share something: who is in one, and who is the first of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.actors import Actors
from worlds.randomness import Ints, shared_among


@dataclass(frozen=True)
class Circles:
    """`rows` of a table in circles: `of` numbers each one's circle, `leads` has one row of each."""

    rows: Ints
    of: Ints
    leads: Ints

    @property
    def first(self) -> Ints:
        """Give for each of `rows` the row that leads its circle."""
        rows: Ints = self.leads[self.of]
        return rows

    @property
    def count(self) -> int:
        """Count the circles."""
        return len(self.leads)


def circles(rng: np.random.Generator, among: Ints, share: float, low: int, high: int) -> Circles:
    """Put a `share` of the rows `among` into circles of `low` to `high`; the others are in none."""
    wanted = min(len(among), round(len(among) * share))
    if wanted < low:
        wanted = 0
    rows = rng.permutation(among)[:wanted]
    of = shared_among(rng, wanted, low, high)
    return Circles(rows, of, rows[np.unique(of, return_index=True)[1]])


def everybody(table: Actors) -> Ints:
    """Give all rows of a table."""
    rows: Ints = np.arange(len(table))
    return rows
