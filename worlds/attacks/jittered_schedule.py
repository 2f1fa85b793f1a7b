"""A15: the network keeps the hours, weekends and idle days of the people it poses as."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, network
from worlds.clock import EVENING, OFFICE
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network: active on some days only, by local office hours or evenings."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    table["rhythm"] = np.where(rng.random(count) < 0.7, OFFICE, EVENING)
    table["active"] = np.clip(rng.normal(values["active"], 0.15, count), 0.1, 1.0)
    table["daily_log"] += table["daily_spread"] ** 2 / 2  # the mean stays
    table["daily_spread"] = rng.uniform(0.4, 0.8, count)
    table["daily_log"] -= table["daily_spread"] ** 2 / 2
    table["think_log"] += rng.normal(0, 0.5, count)
    return table


PIECE = Piece(
    "jittered_schedule",
    "A15",
    "jittered schedule",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.3),
        "active": Parameter(0.55, 0.1, 1.0, "share of days with any request"),
    },
)
