"""B13: hundreds of people who sign up within two days of an advertisement, by one referral."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import HOUR_MS
from worlds.ground import Ground
from worlds.piece import Piece, Values, accounts, starts
from worlds.population import ordinary
from worlds.randomness import choose, fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make ordinary accounts with one birthday, more or less, and one referral."""
    rng, count = at.rng, values.count("accounts")
    table = ordinary(at, count)
    hours = np.minimum(rng.exponential(12, count), 96)
    table["created"] = at.moment(values["starts"]) + (hours * HOUR_MS).astype(np.int64)
    table["starts"] = table["created"]
    table["tier"] = choose(rng, [0.6, 0.25, 0.15], count)
    table["referral"] = fingerprints(rng, 1)[0]
    return table


PIECE = Piece(
    "marketing_cohort",
    "B13",
    "cohort from an advertisement",
    build,
    {
        "accounts": accounts(300),
        "starts": starts(0.4),
    },
)
