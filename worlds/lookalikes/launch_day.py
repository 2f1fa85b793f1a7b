"""B1: people who pile onto a new model on the day it comes out, and use it more than usual."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts
from worlds.population import ordinary

_DAYS = 2.5


def build(at: Ground, values: Values) -> Actors:
    """Make ordinary accounts that adopt within hours, with a second actor for the days of rush."""
    rng, count = at.rng, values.count("accounts")
    table = ordinary(at, count)
    table["created"] = np.minimum(table["created"], at.release_at - 5 * DAY_MS)
    table["starts"] = table["created"]
    hours = rng.lognormal(np.log(values["hours"]), 0.8, count)
    table["adopts"] = at.release_at + (hours * HOUR_MS).astype(np.int64)
    table["moves"] = rng.uniform(0.5, 1.0, count)
    rush = table.copy()
    rush["starts"] = table["adopts"]
    rush["ends"] = at.release_at + int(_DAYS * DAY_MS)
    rush["active"] = 0.9
    rush["daily_log"] += np.log(values["rush"])
    return np.concatenate([table, rush])


PIECE = Piece(
    "launch_day",
    "B1",
    "launch-day rush",
    build,
    {
        "accounts": accounts(300),
        "hours": Parameter(8.0, 0.5, 72.0, "median hours until they adopt the model"),
        "rush": Parameter(1.5, 0.1, 10.0, "extra requests in the first days, times the usual"),
    },
)
