"""B2: users of an old model who all move on the day it is withdrawn, to one that writes longer."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS, HOUR_MS
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, DEVELOPER, PIPELINE
from worlds.piece import Piece, Values, accounts, starts
from worlds.population import people
from worlds.randomness import choose


def build(at: Ground, values: Values) -> Actors:
    """Make each account before and after its move: the prompts stay, answers grow."""
    rng, count = at.rng, values.count("accounts")
    staff = np.array([DEVELOPER, PIPELINE, AGENT_BUILDER])
    before = people(at, staff[choose(rng, [0.5, 0.3, 0.2], count)])
    deadline = at.moment(values["starts"])
    early = (rng.exponential(12, count) * HOUR_MS).astype(np.int64)
    moves = deadline - np.minimum(early, 5 * DAY_MS)
    before["created"] = np.minimum(before["created"], at.period.start - DAY_MS)
    before["starts"] = before["created"]
    before["model_cum"] = (0.05, 0.10, 1.0, 1.0, 1.0)
    after = before.copy()
    before["ends"] = after["starts"] = after["leaves"] = moves
    after["output_log"] += 0.35
    return np.concatenate([before, after])


PIECE = Piece(
    "model_migration",
    "B2",
    "migration before a withdrawal",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.6),
    },
)
