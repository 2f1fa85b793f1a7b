"""B11: book-keepers and their jobs, who do a month's work in the last days of it."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.personas import ANALYST, PIPELINE
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import people
from worlds.randomness import choose


def build(at: Ground, values: Values) -> Actors:
    """Make accounts with a quiet month and one closing, of three days, that ends within the period."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.array([ANALYST, PIPELINE])[choose(rng, [0.7, 0.3], count)])
    table["created"] = np.minimum(table["created"], at.period.start - 40 * DAY_MS)
    table["starts"] = table["created"]
    table["daily_log"] -= 0.5
    closing = table.copy()
    closing["starts"] = at.moment(values["starts"])
    closing["ends"] = closing["starts"] + 3 * DAY_MS
    closing["active"] = 1.0
    closing["daily_log"] += np.log(values["times"])
    return np.concatenate([table, closing])


PIECE = Piece(
    "month_end",
    "B11",
    "month-end jobs",
    build,
    {
        "accounts": accounts(100),
        "starts": starts(0.65),
        "times": Parameter(4.0, 1.0, 50.0, "times the usual volume"),
    },
)
