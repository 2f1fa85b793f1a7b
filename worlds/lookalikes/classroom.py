"""B7: a university class: new accounts within two days, one campus, one assignment, no shared card."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, STUDENT
from worlds.ground import Ground
from worlds.personas import STUDENT_PERSONA
from worlds.piece import Piece, Values, accounts, starts
from worlds.places import EDU
from worlds.population import mix_places, people
from worlds.randomness import choose, fingerprints, skeletons


def build(at: Ground, values: Values) -> Actors:
    """Make the students of a class whose term begins in the period."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.full(count, STUDENT_PERSONA, dtype=np.int64))
    table["country"] = table["country"][0]
    table["created"] = at.moment(values["starts"]) + rng.integers(0, 2 * DAY_MS, count)
    table["starts"] = table["created"]
    table["tier"] = choose(rng, [0.6, 0.0, 0.1, 0.0, 0.3], count)
    table["signup"] = 1
    own_card = rng.random(count) < 0.1
    table["payment"] = np.where(own_card, fingerprints(rng, count), np.uint64(0))
    table["rhythm"] = STUDENT
    table["active"] = rng.uniform(0.35, 0.8, count)
    table["daily_log"] = rng.normal(np.log(12.0), 0.6, count)
    mix_places(at, table, at.places.add(rng, EDU, table["country"][:1])[0].repeat(count), 0.1, 0.6)
    table["templates"][:, 0] = skeletons(rng, 1)[0]  # the assignment sheet
    table["templates_cum"] = np.maximum(table["templates_cum"], 0.65)
    table["free_form"] = 0.3
    return table


PIECE = Piece(
    "classroom",
    "B7",
    "university class",
    build,
    {
        "accounts": accounts(90),
        "starts": starts(0.25),
    },
)
