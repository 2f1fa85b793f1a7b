"""Pools of small prefixes by country: where people live, and where they are now and then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.places import RESIDENTIAL, Places
from worlds.randomness import Ints
from worlds.vocabulary import COUNTRIES


@dataclass(frozen=True)
class Pool:
    """Prefixes by country: those of country c are `places[begins[c]:begins[c + 1]]`.

    The first `crowded[c]` of them take `crowding` of all who live there.
    """

    places: Ints
    begins: Ints
    crowded: Ints
    crowding: float

    def draw(self, rng: np.random.Generator, countries: Ints) -> Ints:
        """Give a place for each country given."""
        first, last = self.begins[countries], self.begins[countries + 1]
        after = first + self.crowded[countries]
        in_crowd = rng.random(len(countries)) < self.crowding
        low = np.where(in_crowd, first, np.minimum(after, last - 1))
        high = np.where(in_crowd, np.maximum(after, first + 1), last)
        drawn: Ints = self.places[rng.integers(low, high)]
        return drawn


def pool(
    places: Places,
    rng: np.random.Generator,
    accounts: float,
    density: float,
    crowding: float = 0.0,
    crowd: float = 1.0,
) -> Pool:
    """Lay a pool for `accounts`: `density` of them to a prefix, `crowding` of them `crowd` to one."""
    people = np.array([c.weight for c in COUNTRIES]) * accounts
    crowded = np.ceil(people * crowding / crowd).astype(np.int64)
    sizes = crowded + np.ceil(people * (1 - crowding) / density).astype(np.int64)
    sizes = np.maximum(sizes, 1)  # in a world without ordinary people, others still live somewhere
    laid = places.add(rng, RESIDENTIAL, np.repeat(np.arange(len(COUNTRIES)), sizes))
    return Pool(laid, np.concatenate([[0], np.cumsum(sizes)]), crowded, crowding)
