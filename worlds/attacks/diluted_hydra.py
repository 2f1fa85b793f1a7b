"""A6: a proxy that mixes extraction with the traffic of unrelated customers, in the same accounts."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import dressed, network
from worlds.ground import Ground
from worlds.personas import PERSONAS, dress
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import choose, skeletons

_CUSTOMERS = 2  # habits of customers that come through one account
_BARE = 0.5  # share of them that send no system prompt: an assumption
_THE_ACCOUNTS = (
    "account", "created", "starts", "tier", "signup", "payment", "org", "country",
    "places", "places_cum", "devices", "devices_cum", "client", "rhythm", "active", "daily_spread",
)  # fmt: skip


def build(at: Ground, values: Values) -> Actors:
    """Make the proxy's accounts twice: extraction with a share of their volume, customers the rest."""
    rng, count = at.rng, values.count("accounts")
    extraction = network(at, count, at.moment(values["starts"]))
    customers = dressed(at, _CUSTOMERS * count)
    dress(rng, customers, choose(rng, [p.weight for p in PERSONAS], len(customers)))
    for name in _THE_ACCOUNTS:
        customers[name] = np.tile(
            extraction[name], (_CUSTOMERS,) + (1,) * (extraction[name].ndim - 1)
        )
    customers["templates"] = skeletons(rng, customers["templates"].size).reshape(-1, 6)
    customers["systems"][rng.random(len(customers)) < _BARE] = 0
    volume = extraction["daily_log"].copy()
    extraction["daily_log"] = volume + np.log(values["share"])
    rest = (1 - values["share"]) / _CUSTOMERS
    customers["daily_log"] = np.tile(volume, _CUSTOMERS) + np.log(rest)
    return np.concatenate([extraction, customers])


PIECE = Piece(
    "diluted_hydra",
    "A6",
    "hydra diluted by customers of its proxy",
    build,
    {
        "accounts": accounts(150),
        "starts": starts(0.35),
        "share": Parameter(0.25, 0.01, 0.99, "share of the accounts' traffic that is extraction"),
    },
)
