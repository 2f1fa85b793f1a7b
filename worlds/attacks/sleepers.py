"""A17: accounts aged for a month or three, hardly used, that all wake in one wave."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import hours, network, set_volume
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import set_habits

_THE_ACCOUNTS = (
    "account",
    "created",
    "tier",
    "signup",
    "payment",
    "country",
    "places",
    "devices",
    "client",
)


def build(at: Ground, values: Values) -> Actors:
    """Make each account asleep (an innocent request now and then) and awake."""
    rng, count = at.rng, values.count("accounts")
    wakes = at.moment(values["starts"])
    awake = network(at, count, wakes)
    awake["starts"] = wakes + hours(rng, 0, values["wave_hours"], count)
    awake["created"] = wakes - (rng.uniform(30, 90, count) * DAY_MS).astype(np.int64)
    asleep = awake.copy()
    asleep["guilty"] = False
    asleep["starts"], asleep["ends"] = awake["created"], awake["starts"]
    set_habits(rng, asleep, at.commons, np.ones(count, dtype=np.bool_))
    for name in _THE_ACCOUNTS:
        asleep[name] = awake[name]
    set_volume(rng, asleep, 2.0)
    asleep["active"] = 0.25
    asleep["free_form"] = 0.7
    return np.concatenate([awake, asleep])


PIECE = Piece(
    "sleepers",
    "A17",
    "sleepers activated in a wave",
    build,
    {
        "accounts": accounts(150),
        "starts": starts(0.5),
        "wave_hours": Parameter(18.0, 0.5, 240.0, "hours over which they wake"),
    },
)
