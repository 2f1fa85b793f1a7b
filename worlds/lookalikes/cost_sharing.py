"""B21: friends who share the cost of an account, three to five to each. Grey: against the terms.

Labelled benign, with a scenario of its own: no extraction, and another kind of case.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.personas import PERSONAS, dress
from worlds.piece import Piece, Values, accounts
from worlds.population import ordinary
from worlds.randomness import choose, fingerprints

_THE_ACCOUNTS = (
    "account", "created", "starts", "tier", "signup", "payment", "org", "referral",
    "country",
)  # fmt: skip


def build(at: Ground, values: Values) -> Actors:
    """Make the friends as actors of one account: each with home, device, habits and hours."""
    rng, count = at.rng, values.count("accounts")
    owners = ordinary(at, count)
    owners["tier"] = 2
    owners["payment"] = fingerprints(rng, count)
    account = np.repeat(np.arange(count), rng.integers(2, 5, count))
    friends = ordinary(at, len(account))
    dress(rng, friends, choose(rng, [p.weight for p in PERSONAS], len(friends)))
    for name in _THE_ACCOUNTS:
        friends[name] = owners[name][account]
    return np.concatenate([owners, friends])


PIECE = Piece(
    "cost_sharing",
    "B21",
    "friends who share an account",
    build,
    {
        "accounts": accounts(60),
    },
)
