"""B9: a licensed reseller: its pool of accounts serves strangers, evenly loaded and around the clock.

It has a contract (a control event), and prompts as varied as its customers.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import network
from worlds.clock import DAY_MS, MACHINE
from worlds.ground import Ground
from worlds.personas import PERSONAS, dress
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.places import HOSTING
from worlds.population import set_habits
from worlds.randomness import choose, fingerprints


def build(at: Ground, values: Values) -> Actors:
    """Make the pool: one organisation and card, two exits, hand-over on errors."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), values["daily"], spread=0.25)
    table["guilty"] = False
    dress(rng, table, choose(rng, [p.weight for p in PERSONAS], count))
    set_habits(rng, table, at.commons, np.ones(count, dtype=np.bool_))
    table["free_form"] = 0.75
    table["daily_log"], table["daily_spread"] = np.log(values["daily"]), 0.15
    table["rhythm"], table["active"] = MACHINE, 1.0
    table["client"] = table["client"][0]
    table["tier"], table["signup"] = 3, 4
    org = fingerprints(rng, 1)[0]
    table["org"], table["payment"] = org, fingerprints(rng, 1)[0]
    table["created"] = at.period.start - 60 * DAY_MS
    table["places"][:, :2] = at.places.add(rng, HOSTING, table["country"][:1].repeat(2))
    table["pool"], table["error_share"] = count, 0.02
    at.controls.append(
        {
            "control_id": f"contract-{int(org):012x}",
            "kind": "allowance",
            "at": at.period.start - 50 * DAY_MS,
            "until": at.period.end + 300 * DAY_MS,
            "org_id": f"o-{int(org):012x}",
            "families": ["volume", "timing", "identity", "infrastructure"],
            "note": "reseller's contract",
        }
    )
    return table


PIECE = Piece(
    "licensed_reseller",
    "B9",
    "licensed reseller",
    build,
    {
        "accounts": accounts(40),
        "starts": starts(0.02),
        "daily": Parameter(60.0, 1.0, 2_000.0, "requests per account and day"),
    },
)
