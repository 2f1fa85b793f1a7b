"""A2: a network that moves half of its traffic to a new model within 24 hours of its release."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network; the share moves over evenly during the first day."""
    count = values.count("accounts")
    table = network(at, count, min(at.moment(values["starts"]), at.release_at))
    within = values["hours"] / 24
    table["adopts"] = at.release_at + (at.rng.uniform(0.02, within, count) * DAY_MS).astype(
        np.int64
    )
    table["moves"] = np.clip(at.rng.normal(values["share"] + 0.05, 0.05, count), 0.1, 1.0)
    return table


PIECE = Piece(
    "release_pivot",
    "A2",
    "release pivot",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.2),
        "share": Parameter(0.5, 0.1, 1.0, "share of traffic on the new model afterwards"),
        "hours": Parameter(24.0, 1.0, 168.0, "hours within which it has moved"),
    },
)
