"""B20: organisations that are restructured: new organisation, card, devices and key epoch in a day."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS
from worlds.ground import Ground
from worlds.organisations import staff
from worlds.piece import Piece, Values, accounts, starts
from worlds.places import CORP
from worlds.population import mix_places
from worlds.randomness import choose, fingerprints
from worlds.vocabulary import COUNTRIES

_SEATS = 40


def build(at: Ground, values: Values) -> Actors:
    """Make every seat under the old identifiers and under the new ones; what people do stays."""
    rng, count = at.rng, values.count("accounts")
    org = np.arange(count) // _SEATS
    orgs = int(org[-1]) + 1
    before = staff(at, org)
    before["created"] = np.minimum(before["created"], at.period.start - DAY_MS)
    before["starts"] = before["created"]
    before["payment"] = fingerprints(rng, orgs)[org]
    gateways = at.places.add(rng, CORP, choose(rng, [c.weight for c in COUNTRIES], 2 * orgs))
    mix_places(at, before, gateways[:orgs][org], 0.0, 0.4)
    after = before.copy()
    turn = at.moment(values["starts"]) + rng.integers(0, 8 * HOUR_MS, count)
    before["ends"] = after["starts"] = turn
    before["epoch"], after["epoch"] = 1, 2
    after["org"] = fingerprints(rng, orgs)[org]
    after["payment"] = fingerprints(rng, orgs)[org]
    after["devices"] = fingerprints(rng, 2 * count).reshape(count, 2)
    after["places"][:, 0] = gateways[orgs:][org]
    for number in (0, 1):
        fresh = fingerprints(rng, count)
        system = after["systems"][:, number]
        after["systems"][:, number] = np.where(system > 0, fresh, system)
    return np.concatenate([before, after])


PIECE = Piece(
    "key_rotation",
    "B20",
    "restructured organisations with new keys",
    build,
    {
        "accounts": accounts(120),
        "starts": starts(0.5),
    },
)
