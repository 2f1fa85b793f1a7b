"""A18: genuine accounts, taken over, with the attack hidden behind their real history.

The accounts are labelled an attack from the moment of the takeover on: to name one is right, and
is for its owner's protection. The owner goes on using it.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.divisions import Supplies, residential_proxies
from worlds.attacks.network import network
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import ordinary

_NEAR = 0.6  # of the intruders come out of homes in the owner's country: an assumption
_NO_CARDS = Supplies(cards=0.0)  # the owners' stay
_THE_OWNERS = (
    "account", "created", "tier", "signup", "payment", "org", "referral",
    "country", "silent",
)  # fmt: skip


def build(at: Ground, values: Values) -> Actors:
    """Make ordinary accounts with their owners, and the intruder as a second actor of each."""
    count = values.count("accounts")
    owners = ordinary(at, count)
    taken = at.moment(values["starts"])
    owners["created"] = np.minimum(owners["created"], taken - 20 * 86_400_000)
    owners["starts"] = owners["created"]
    intruders = network(at, count, taken, values["daily"], supplies=_NO_CARDS)
    for name in _THE_OWNERS:
        intruders[name] = owners[name]
    near = at.rng.random(count) < _NEAR
    neighbours = intruders[near]
    residential_proxies(at, neighbours)
    intruders[near] = neighbours
    return np.concatenate([owners, intruders])


PIECE = Piece(
    "compromised",
    "A18",
    "compromised genuine accounts",
    build,
    {
        "accounts": accounts(120),
        "starts": starts(0.45),
        "daily": Parameter(18.0, 1.0, 500.0, "requests of the intruder per account and day"),
    },
)
