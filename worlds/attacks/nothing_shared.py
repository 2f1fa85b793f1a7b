"""A13: no card, device, prefix or client in common; only templates and timing join the accounts."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, in_step, network, own_homes
from worlds.ground import Ground
from worlds.personas import draw_clients
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network: everything bought one by one, work handed out from one queue."""
    count = values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    own_homes(at, table)
    table["client"] = draw_clients(at.rng, ("api", "cli", "web", "cloud_a"), count)
    table["systems"] = 0
    in_step(at, table, max(1, count // 30), values.count("minutes"), 120)
    return table


PIECE = Piece(
    "nothing_shared",
    "A13",
    "nothing shared but templates and timing",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.35),
        "minutes": Parameter(45, 1, 720, "minutes between two dispatches"),
    },
)
