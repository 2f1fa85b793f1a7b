"""B17: consultants with an account per client, all on one laptop."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.personas import ANALYST, DEVELOPER
from worlds.piece import Piece, Values, accounts
from worlds.places import RESIDENTIAL
from worlds.population import people
from worlds.randomness import choose, fingerprints, shared_among


def build(at: Ground, values: Values) -> Actors:
    """Make the accounts in threes to fives: one device, one line, some on one card; upgraded at once."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.array([DEVELOPER, ANALYST])[choose(rng, [0.6, 0.4], count)])
    person = shared_among(rng, count, 3, 5)
    persons = int(person.max()) + 1
    table["country"] = table["country"][:persons][person]
    table["devices"] = fingerprints(rng, persons)[person][:, None]
    home = at.places.add(
        rng, RESIDENTIAL, table["country"][np.unique(person, return_index=True)[1]]
    )
    table["places"][:, 0] = home[person]
    one_card = (rng.random(persons) < 0.4)[person]
    table["payment"] = np.where(
        one_card, fingerprints(rng, persons)[person], fingerprints(rng, count)
    )
    table["tier"] = 2
    table["created"] = np.minimum(table["created"], at.period.start - DAY_MS)
    table["starts"] = table["created"]
    return table


PIECE = Piece(
    "consultant",
    "B17",
    "consultant with several accounts",
    build,
    {
        "accounts": accounts(80),
    },
)
