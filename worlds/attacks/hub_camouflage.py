"""A20: a network behind the same VPN exits and campuses as many innocent people."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, network
from worlds.ground import Ground
from worlds.piece import Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network: its prefixes are hubs, so they say nothing; the rest is divided as ever."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    hubs = np.concatenate([at.commons.vpn[:3], at.commons.campus[:1]])
    table["places"][:, 0] = hubs[rng.integers(0, len(hubs), count)]
    table["places_cum"] = 1.0
    table["places_cum"][:, 0] = 0.7
    table["places"][:, 1] = hubs[rng.integers(0, len(hubs), count)]
    return table


PIECE = Piece(
    "hub_camouflage",
    "A20",
    "camouflage in shared hubs",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.35),
    },
)
