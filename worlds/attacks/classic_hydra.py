"""A1: a steady hydra, for weeks, at an ordinary developer's rate per account."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import REQUESTS_PER_DAY, network
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network."""
    begins = at.moment(values["starts"])
    return network(at, values.count("accounts"), begins, values["daily"], values["spread"])


PIECE = Piece(
    "classic_hydra",
    "A1",
    "steady hydra",
    build,
    {
        "accounts": accounts(300),
        "starts": starts(0.4),
        "spread": Parameter(
            0.25, 0.0, 1.0, "share of the rest of the period over which they start"
        ),
        "daily": Parameter(REQUESTS_PER_DAY, 1.0, 500.0, "requests per account and day"),
    },
)
