"""A11: a network that enters through education, start-up and research programmes."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import choose
from worlds.vocabulary import SIGNUPS, TIERS


def build(at: Ground, values: Values) -> Actors:
    """Make the network: credits instead of cards for most."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]))
    inside = rng.random(count) < values["share"]
    paths = [1.0 if path in ("edu", "startup", "research") else 0.0 for path in SIGNUPS]
    table["signup"][inside] = choose(rng, paths, int(inside.sum()))
    table["tier"][inside] = TIERS.index("program")
    table["payment"][inside & (rng.random(count) < 0.6)] = 0
    return table


PIECE = Piece(
    "programme_abuse",
    "A11",
    "programme abuse",
    build,
    {
        "accounts": accounts(100),
        "starts": starts(0.3),
        "share": Parameter(0.8, 0.0, 1.0, "share of the accounts in a programme"),
    },
)
