"""A10: organisations by the hundred, created in three days for free use, without the client's telemetry."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.divisions import Supplies
from worlds.attacks.network import network
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import fingerprints
from worlds.vocabulary import SILENT_CLI

_NO_CARDS = Supplies(cards=0.0)


def build(at: Ground, values: Values) -> Actors:
    """Make the farm: every account an organisation of its own, at work within hours of its birth."""
    rng, count = at.rng, values.count("accounts")
    begins = at.moment(values["starts"])
    table = network(at, count, begins, supplies=_NO_CARDS)
    table["created"] = begins + (rng.random(count) * values["days"] * DAY_MS).astype(np.int64)
    table["starts"] = table["created"] + rng.integers(60_000, 6 * 3_600_000, count)
    table["tier"] = np.where(rng.random(count) < 0.7, 0, 1)
    table["payment"] = 0
    table["org"] = fingerprints(rng, count)
    told = rng.random(count) < 0.5
    invitations = fingerprints(rng, max(1, count // 20))
    invitation = invitations[rng.integers(0, len(invitations), count)]
    table["referral"] = np.where(told, invitation, np.uint64(0))
    table["client"] = np.where(rng.random(count) < 0.7, SILENT_CLI, table["client"])
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
