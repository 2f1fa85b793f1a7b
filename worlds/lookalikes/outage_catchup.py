"""B19: pipelines cut off for hours that then send the backlog as fast as they may."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS, SPAN
from worlds.ground import Ground
from worlds.personas import PIPELINE
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import people


def build(at: Ground, values: Values) -> Actors:
    """Make the pipelines before the cut, after it, and as they catch up in between."""
    rng, count = at.rng, values.count("accounts")
    before = people(at, np.full(count, PIPELINE, dtype=np.int64))
    before["created"] = np.minimum(before["created"], at.period.start - DAY_MS)
    before["starts"] = before["created"]
    before["active"] = 1.0
    before["daily_log"] = rng.normal(np.log(50.0), 0.8, count)
    down, hours = at.moment(values["starts"]), values["hours"]
    up = down + int(hours * HOUR_MS)
    after, flood = before.copy(), before.copy()
    before["ends"], after["starts"] = down, up
    flood["starts"], flood["ends"] = up, up + int(HOUR_MS)
    flood["rhythm"] = SPAN
    flood["daily_log"] += np.log(hours)
    return np.concatenate([before, after, flood])


PIECE = Piece(
    "outage_catchup",
    "B19",
    "catching up after an outage",
    build,
    {
        "accounts": accounts(100),
        "starts": starts(0.5),
        "hours": Parameter(8.0, 1.0, 72.0, "hours cut off"),
    },
)
