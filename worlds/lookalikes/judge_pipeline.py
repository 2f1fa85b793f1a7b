"""B4: products that let a model judge answers by a rubric: of the shape of A4, and honest."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import MACHINE
from worlds.ground import Ground
from worlds.laws import PLAIN
from worlds.organisations import staff
from worlds.personas import draw_clients, set_mix
from worlds.piece import Piece, Values, accounts
from worlds.places import HOSTING
from worlds.population import mix_places
from worlds.randomness import choose, fingerprints, skeletons
from worlds.vocabulary import COUNTRIES

_MIX = {"grading": 8.0, "reasoning": 2.0, "rewrite": 1.0}
_SEATS = 10


def build(at: Ground, values: Values) -> Actors:
    """Make the accounts of a few companies: per company one card, one rubric, jobs on the hour."""
    rng, count = at.rng, values.count("accounts")
    org = np.arange(count) // _SEATS
    orgs = int(org[-1]) + 1
    table = staff(at, org)
    table["payment"] = fingerprints(rng, orgs)[org]
    mix_places(
        at,
        table,
        at.places.add(rng, HOSTING, choose(rng, [c.weight for c in COUNTRIES], orgs))[org],
        0.0,
        0.1,
    )
    set_mix(rng, table, _MIX, 20.0)
    table["client"] = draw_clients(rng, ("api", "batch"), count)
    table["rhythm"] = MACHINE
    table["active"] = 0.95
    table["daily_log"] = rng.normal(np.log(30.0), 0.5, count)
    table["turns"] = 12.0
    table["templates"][:, 0] = skeletons(rng, orgs)[org]
    table["templates_cum"] = 1.0
    table["free_form"] = 0.02
    table["systems"][:, 0] = fingerprints(rng, orgs)[org]
    table["systems_cum"] = 1.0
    table["output_law"], table["output_spread"] = PLAIN, 0.8
    table["output_log"] = np.log(60.0)
    table["beat"] = fingerprints(rng, orgs)[org]
    table["beat_every"], table["beat_regular"], table["beat_jitter"] = 3_600_000, True, 60_000
    return table


PIECE = Piece(
    "judge_pipeline",
    "B4",
    "LLM-as-judge pipelines",
    build,
    {
        "accounts": accounts(60),
    },
)
