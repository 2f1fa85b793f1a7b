"""A20: a network behind the same VPN exits and campuses as many innocent people."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, network
from worlds.ground import Ground
from worlds.piece import Piece, Values, accounts, starts
from worlds.randomness import choose

_ONE_HUB = 0.6  # of the accounts: an assumption
_IN_HUBS = (0.25, 0.9)  # share of an account's sessions: who sat in hubs alone would be told by it


def build(at: Ground, values: Values) -> Actors:
    """Make the network: hubs for most, homes where innocent people live for the rest of the sessions."""
    rng, count = at.rng, values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    hubs = np.concatenate([at.commons.vpn[:3], at.commons.campus[:1]])
    table["places"] = 0
    for slot in range(2):
        table["places"][:, slot] = hubs[choose(rng, (1, 1, 1, 3), count)]
    table["places"][:, 2] = at.commons.homes.draw(rng, table["country"])
    in_hubs = rng.uniform(*_IN_HUBS, count)
    table["places_cum"] = 1.0
    table["places_cum"][:, 0] = np.where(rng.random(count) < _ONE_HUB, 1.0, 0.7) * in_hubs
    table["places_cum"][:, 1] = in_hubs
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
