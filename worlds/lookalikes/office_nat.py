"""B6: a company whose staff must all use one gateway or VPN."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.organisations import staff
from worlds.piece import Piece, Values, accounts
from worlds.places import CORP
from worlds.population import mix_places
from worlds.randomness import fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make the staff: two exits, cards of their own or none, a managed device each."""
    rng, count = at.rng, values.count("accounts")
    table = staff(at, np.zeros(count, dtype=np.int64))
    exits = at.places.add(rng, CORP, table["country"][:1].repeat(2))
    mix_places(at, table, exits[rng.integers(0, 2, count)], 0.0, 0.05)
    expensed = rng.random(count) < 0.5
    table["payment"] = np.where(expensed, fingerprints(rng, count), np.uint64(0))
    return table


PIECE = Piece(
    "office_nat",
    "B6",
    "office behind one gateway",
    build,
    {
        "accounts": accounts(150),
    },
)
