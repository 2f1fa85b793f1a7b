"""B8: strangers behind the address translation of a mobile carrier."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts
from worlds.places import MOBILE
from worlds.population import mix_places, ordinary


def build(at: Ground, values: Values) -> Actors:
    """Make ordinary accounts of one country that share a few of a carrier's prefixes."""
    rng, count = at.rng, values.count("accounts")
    table = ordinary(at, count)
    table["country"] = table["country"][0]
    exits = at.places.add(rng, MOBILE, table["country"][:1].repeat(values.count("prefixes")))
    mix_places(at, table, exits[rng.integers(0, len(exits), count)], 0.0, 0.4)
    return table


PIECE = Piece(
    "mobile_cgnat",
    "B8",
    "mobile carrier NAT",
    build,
    {
        "accounts": accounts(400),
        "prefixes": Parameter(3, 1, 100, "prefixes that they share"),
    },
)
