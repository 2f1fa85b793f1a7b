"""B14: a hackathon: one venue, one starter kit, new accounts, two sleepless days."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS, SPAN
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, DEVELOPER
from worlds.piece import Piece, Values, accounts, starts
from worlds.places import EDU
from worlds.population import mix_places, people
from worlds.randomness import choose, fingerprints, skeletons


def build(at: Ground, values: Values) -> Actors:
    """Make the participants; teams of four share a card now and then."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.array([DEVELOPER, AGENT_BUILDER])[choose(rng, [0.6, 0.4], count)])
    begins = at.moment(values["starts"])
    new = rng.random(count) < 0.8
    table["created"] = np.where(new, begins - rng.integers(0, 6 * HOUR_MS, count), table["created"])
    table["created"] = np.minimum(table["created"], begins)
    table["starts"] = begins
    table["ends"] = begins + 2 * DAY_MS
    table["rhythm"], table["active"] = SPAN, 1.0
    table["daily_log"] = rng.normal(np.log(45.0), 0.6, count)
    table["country"] = table["country"][0]
    table["tier"] = choose(rng, [0.2, 0.6, 0.2], count)
    team = np.arange(count) // 4
    card = fingerprints(rng, int(team[-1]) + 1)[team]
    table["payment"] = np.where(rng.random(count) < 0.3, card, np.uint64(0))
    mix_places(at, table, at.places.add(rng, EDU, table["country"][:1])[0].repeat(count), 0.0, 0.1)
    table["templates"][:, :2] = skeletons(rng, 2)
    table["templates_cum"] = np.maximum(table["templates_cum"], 0.5)
    table["systems"][:, 0] = fingerprints(rng, 1)[0]
    return table


PIECE = Piece(
    "hackathon",
    "B14",
    "hackathon",
    build,
    {
        "accounts": accounts(300),
        "starts": starts(0.6),
    },
)
