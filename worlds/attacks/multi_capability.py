"""A3: a network that draws out six capabilities at once, through the API and two clouds."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.ground import Ground
from worlds.personas import draw_clients, set_mix
from worlds.piece import Piece, Values, accounts, starts

_SIX = {"agentic": 2.0, "tools": 2.0, "coding": 2.0, "reasoning": 1.5, "vision": 1.5, "math": 1.5}


def build(at: Ground, values: Values) -> Actors:
    """Make the network; each account leans to some of the six."""
    count = values.count("accounts")
    table = network(at, count, at.moment(values["starts"]))
    set_mix(at.rng, table, _SIX, 5.0)
    table["client"] = draw_clients(at.rng, ("api", "cloud_a", "cloud_b"), count)
    return table


PIECE = Piece(
    "multi_capability",
    "A3",
    "several capabilities through several clouds",
    build,
    {
        "accounts": accounts(150),
        "starts": starts(0.35),
    },
)
