"""B18: a company that pays for two hundred seats with one card, for people who work from home."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.organisations import staff
from worlds.piece import Piece, Values, accounts
from worlds.places import RESIDENTIAL
from worlds.randomness import fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make the seats: one card and organisation, homes and devices of their own."""
    rng, count = at.rng, values.count("accounts")
    table = staff(at, np.zeros(count, dtype=np.int64))
    table["payment"] = fingerprints(rng, 1)[0]
    table["places"][:, 0] = at.places.add(rng, RESIDENTIAL, table["country"])
    table["places_cum"] = 1.0
    return table


PIECE = Piece(
    "corporate_card",
    "B18",
    "corporate card",
    build,
    {
        "accounts": accounts(200),
    },
)
