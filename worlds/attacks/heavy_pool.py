"""A9: a relay that hides many users behind a pool of very few, heavily used accounts.

The published pool had 6 accounts and 53,655 answered calls: about 8,940 each.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.divisions import share_prefixes
from worlds.attacks.network import network
from worlds.clock import MACHINE
from worlds.ground import Ground
from worlds.personas import PERSONAS, draw_mix, mix_row
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the pool: even load, and an error hands the request to the next account in seconds."""
    rng, count = at.rng, values.count("accounts")
    begins = at.moment(values["starts"])
    days = max(0.5, (at.period.end - begins) / 86_400_000)
    table = network(at, count, begins, values["requests"] / days)
    table["created"] -= table["starts"] - begins
    table["starts"] = begins
    table["daily_log"], table["daily_spread"] = np.log(values["requests"] / days), 0.15
    table["active"] = 1.0
    table["rhythm"] = MACHINE
    table["most"] = 20_000
    share_prefixes(at, table, np.arange(count), 3, 6)
    everybody = np.array([mix_row(p.mix) for p in PERSONAS]).sum(axis=0)
    table["capability_cum"] = draw_mix(rng, np.tile(everybody, (count, 1)), 40.0)
    table["free_form"] = 0.6
    table["pool"] = count
    table["error_share"] = 0.03
    return table


PIECE = Piece(
    "heavy_pool",
    "A9",
    "heavy small pool",
    build,
    {
        "accounts": accounts(6),
        "starts": starts(0.3),
        "requests": Parameter(8_940.0, 100.0, 200_000.0, "requests per account in all"),
    },
)
