"""B3: an evaluation of models for a leaderboard: three fixed templates, tens of thousands of prompts."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import dressed
from worlds.clock import DAY_MS, SPAN
from worlds.ground import Ground
from worlds.personas import set_mix
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.places import HOSTING
from worlds.randomness import fingerprints, skeletons

_MIX = {"math": 3.0, "coding": 3.0, "reasoning": 3.0, "grading": 1.0}
_DAYS = 1.5


def build(at: Ground, values: Values) -> Actors:
    """Make a research group's accounts: one card, one cloud prefix, one run of a day and a half."""
    rng, count = at.rng, values.count("accounts")
    table = dressed(at, count)
    begins = at.moment(values["starts"])
    table["created"] = begins - rng.integers(20, 400, count) * DAY_MS
    table["starts"], table["ends"] = begins, begins + int(_DAYS * DAY_MS)
    table["rhythm"] = SPAN
    table["active"] = 1.0
    table["daily_spread"] = 0.1
    table["daily_log"] = np.log(values["requests"] / count / _DAYS)
    table["most"] = 100_000
    table["turns"] = 60.0
    table["think_log"] = np.log(4_000.0)
    table["org"] = fingerprints(rng, 1)[0]
    table["payment"] = fingerprints(rng, 1)[0]
    table["signup"] = 3
    table["places"][:, 0] = at.places.add(rng, HOSTING, table["country"][:1])[0]
    table["templates"][:, :3] = skeletons(rng, 3)
    table["templates_cum"] = (0.4, 0.7, 1.0, 1.0, 1.0, 1.0)
    table["free_form"] = 0.0
    table["jitter"] = 4
    table["prompts"] = values.count("prompts")
    table["prompt_set"] = fingerprints(rng, 1)[0]
    set_mix(rng, table, _MIX, 40.0)
    return table


PIECE = Piece(
    "leaderboard",
    "B3",
    "leaderboard run",
    build,
    {
        "accounts": accounts(6, 1_000),
        "starts": starts(0.55),
        "requests": Parameter(20_000, 100, 500_000, "requests in all"),
        "prompts": Parameter(8_000, 10, 1_000_000, "different prompts"),
    },
)
