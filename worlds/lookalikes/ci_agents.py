"""B10: agents in build pipelines, started by cron on the same minutes, with one action's prompt."""

from __future__ import annotations

import numpy as np

from worlds.actors import PLACE_SLOTS, Actors
from worlds.clock import MACHINE
from worlds.ground import Ground
from worlds.organisations import staff
from worlds.personas import draw_clients, set_mix
from worlds.piece import Piece, Values, accounts
from worlds.places import HOSTING
from worlds.randomness import choose, fingerprints, skeletons
from worlds.vocabulary import COUNTRIES

_MIX = {"agentic": 5.0, "coding": 5.0, "tools": 2.0}
_SEATS = 5


def build(at: Ground, values: Values) -> Actors:
    """Make the robots of many companies: each its card, all the runners' prefixes and one prompt."""
    rng, count = at.rng, values.count("accounts")
    org = np.arange(count) // _SEATS
    orgs = int(org[-1]) + 1
    table = staff(at, org)
    table["payment"] = fingerprints(rng, orgs)[org]
    runners = at.places.add(rng, HOSTING, choose(rng, [c.weight for c in COUNTRIES], 4))
    table["places"] = runners[rng.integers(0, 4, (count, PLACE_SLOTS))]
    table["places_cum"] = (0.4, 0.7, 1.0, 1.0, 1.0)
    set_mix(rng, table, _MIX, 20.0)
    table["client"] = draw_clients(rng, ("cli", "api"), count)
    table["rhythm"], table["active"] = MACHINE, 0.95
    table["daily_log"] = rng.normal(np.log(24.0), 0.5, count)
    table["turns"] = 4.0
    table["templates"][:, 0] = skeletons(rng, 1)[0]
    table["templates_cum"] = np.maximum(table["templates_cum"], 0.6)
    table["systems"][:, 0] = fingerprints(rng, 1)[0]
    table["systems_cum"] = 1.0
    table["free_form"] = 0.2
    phases = fingerprints(rng, 3)  # on the hour, at night, every quarter: what people write in cron
    table["beat"] = phases[rng.integers(0, 3, count)]
    table["beat_every"] = 3_600_000
    table["beat_regular"], table["beat_jitter"] = True, 20_000
    return table


PIECE = Piece(
    "ci_agents",
    "B10",
    "agents in build pipelines",
    build,
    {
        "accounts": accounts(100),
    },
)
