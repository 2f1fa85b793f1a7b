"""B16: developers whose agents work through the night, steadily and alone."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import NIGHT
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, set_mix
from worlds.piece import Parameter, Piece, Values, accounts
from worlds.population import people


def build(at: Ground, values: Values) -> Actors:
    """Make the accounts by day, and their agents in long sessions by night."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.full(count, AGENT_BUILDER, dtype=np.int64))
    agent = table.copy()
    set_mix(rng, agent, {"agentic": 8.0, "tools": 4.0, "coding": 4.0}, 20.0)
    agent["rhythm"], agent["active"] = NIGHT, 0.5
    agent["daily_log"] = rng.normal(np.log(values["nightly"]), 0.4, count)
    agent["turns"] = 90.0
    agent["think_log"], agent["think_spread"] = np.log(25_000.0), 0.6
    agent["free_form"] = 0.2
    return np.concatenate([table, agent])


PIECE = Piece(
    "overnight_agent",
    "B16",
    "agents that work overnight",
    build,
    {
        "accounts": accounts(60),
        "nightly": Parameter(180.0, 10.0, 1_500.0, "requests of a night at work"),
    },
)
