"""B15: a popular framework, whose system prompt and template thousands send."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.personas import AGENT_BUILDER, DEVELOPER, draw_clients
from worlds.piece import Piece, Values, accounts
from worlds.population import people
from worlds.randomness import choose, fingerprints, skeletons


def build(at: Ground, values: Values) -> Actors:
    """Make developers from everywhere who have nothing else in common."""
    rng, count = at.rng, values.count("accounts")
    table = people(at, np.array([DEVELOPER, AGENT_BUILDER])[choose(rng, [0.6, 0.4], count)])
    table["client"] = draw_clients(rng, ("api",), count)
    table["systems"][:, 0] = fingerprints(rng, 1)[0]
    table["systems_cum"][:, 0] = rng.uniform(0.7, 1.0, count)
    table["templates"][:, 0] = skeletons(rng, 1)[0]
    table["templates_cum"] = np.maximum(
        table["templates_cum"], rng.uniform(0.4, 0.9, count)[:, None]
    )
    table["free_form"] = 0.25
    return table


PIECE = Piece(
    "framework_prompt",
    "B15",
    "popular framework prompt",
    build,
    {
        "accounts": accounts(1_000),
    },
)
