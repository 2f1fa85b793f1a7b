"""A5: reasoning traces coerced in many languages, over weeks."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.ground import Ground
from worlds.personas import set_mix
from worlds.piece import Parameter, Piece, Values, accounts, starts

_MIX = {"reasoning": 4.0, "math": 1.5, "coding": 3.0, "chat": 1.0, "other": 1.0}


def build(at: Ground, values: Values) -> Actors:
    """Make the network: the same few templates, translated."""
    count = values.count("accounts")
    table = network(at, count, at.moment(values["starts"]))
    set_mix(at.rng, table, _MIX, 5.0)
    table["cot"] = at.rng.beta(2.5, 7.0, count)
    table["tongues"] = values.count("languages")
    return table


PIECE = Piece(
    "trace_coercion",
    "A5",
    "multilingual trace coercion",
    build,
    {
        "accounts": accounts(100),
        "starts": starts(0.3),
        "languages": Parameter(12, 2, 16, "languages"),
    },
)
