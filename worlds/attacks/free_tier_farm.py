"""A10: organisations by the hundred, created in three days for free use, without the client's telemetry."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.divisions import Supplies
from worlds.attacks.network import network
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.personas import draw_clients
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import choose, fingerprints, zipf_weights
from worlds.vocabulary import SILENT_CLI

_NO_CARDS = Supplies(cards=0.0)
_WAIT_DAYS, _MOST_WAIT_DAYS = 1.2, 4.0  # from an account's birth to its use: assumptions
_SILENCED = 0.35  # clients whose telemetry is switched off; the others are SDKs, which have none


def build(at: Ground, values: Values) -> Actors:
    """Make the farm: every account an organisation of its own, put to work over the days after its birth."""
    rng, count = at.rng, values.count("accounts")
    begins = at.moment(values["starts"])
    table = network(at, count, begins, supplies=_NO_CARDS)
    table["created"] = begins + (rng.random(count) * values["days"] * DAY_MS).astype(np.int64)
    wait_days = np.minimum(rng.exponential(_WAIT_DAYS, count), _MOST_WAIT_DAYS)
    table["starts"] = table["created"] + 60_000 + (wait_days * DAY_MS).astype(np.int64)
    table["tier"] = np.where(rng.random(count) < 0.7, 0, 1)
    table["payment"] = 0
    table["org"] = fingerprints(rng, count)
    told = rng.random(count) < 0.5
    invitations = fingerprints(rng, max(1, count // 20))
    invitation = invitations[choose(rng, zipf_weights(len(invitations), 0.7), count)]
    table["referral"] = np.where(told, invitation, np.uint64(0))
    silenced = rng.random(count) < _SILENCED
    table["client"] = np.where(silenced, SILENT_CLI, draw_clients(rng, ("api",), count))
    return table


PIECE = Piece(
    "free_tier_farm",
    "A10",
    "free-tier farm",
    build,
    {
        "accounts": accounts(400),
        "starts": starts(0.45),
        "days": Parameter(3.0, 0.1, 60.0, "days over which it is created"),
    },
)
