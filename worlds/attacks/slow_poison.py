"""A16: extraction that grows by a few percent a day out of innocent use, to take baselines along."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, network, set_volume
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.population import set_habits

_THE_ACCOUNTS = (
    "account", "created", "tier", "signup", "payment", "country", "places", "places_cum",
    "devices", "devices_cum", "client", "silent", "active", "rhythm",
)  # fmt: skip

_BARE = 0.5  # how likely the innocent use has no system prompt: an assumption
_OWN_SPREAD = 0.25  # of the log of the volume that accounts begin with
_ACTIVE = (0.5, 0.95)  # share of days with extraction: people rest, and so does what poses as them


def build(at: Ground, values: Values) -> Actors:
    """Make the accounts with innocent use that stays, and extraction that begins at the same time."""
    rng, count = at.rng, values.count("accounts")
    extraction = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    cover = extraction.copy()
    set_habits(rng, cover, at.commons, np.ones(count, dtype=np.bool_))
    for name in _THE_ACCOUNTS:
        cover[name] = extraction[name]
    cover["guilty"] = False
    cover["systems"][rng.random(count) < _BARE] = 0
    cover["free_form"] = 0.5
    set_volume(rng, cover, values["innocent_daily"])
    set_volume(rng, extraction, values["first_daily"])
    extraction["daily_log"] += rng.normal(0, _OWN_SPREAD, count)
    extraction["active"] = rng.uniform(*_ACTIVE, count)
    extraction["ramp"] = np.log1p(values["percent_daily"] / 100)
    return np.concatenate([extraction, cover])


PIECE = Piece(
    "slow_poison",
    "A16",
    "baseline poisoning by a slow ramp",
    build,
    {
        "accounts": accounts(150),
        "starts": starts(0.02),
        "percent_daily": Parameter(4.0, 0.1, 50.0, "percent of growth per day"),
        "first_daily": Parameter(10.0, 0.1, 100.0, "requests of extraction per day at first"),
        "innocent_daily": Parameter(8.0, 0.1, 100.0, "innocent requests per day, throughout"),
    },
)
