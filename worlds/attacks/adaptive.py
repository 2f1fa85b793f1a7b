"""A19: a network that watches what is done to it and changes.

After each action against an account it halves that account's rate and changes one family of what
it shares: prefixes, device, card, prompts, in turn. A suspended or restricted account is given up
and one from stock takes its place.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import NEVER, Actors
from worlds.attacks.divisions import DEVICE, PREFIX, share_prefixes
from worlds.attacks.network import CAREFUL, network
from worlds.clock import HOUR_MS
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts
from worlds.randomness import Ints, fingerprints, shared_among, skeletons

_FINAL = ("restrict", "suspend")


def build(at: Ground, values: Values) -> Actors:
    """Make the accounts at work and those in stock, which begin when one is given up."""
    count = values.count("accounts")
    stock = round(count * values["stock"])
    table = network(at, count + stock, at.moment(values["starts"]), fresh=CAREFUL)
    table["starts"][count:] = NEVER
    elsewhere = table.copy()
    share_prefixes(at, elsewhere, shared_among(at.rng, len(table), *DEVICE), *PREFIX)
    table["places"][:, -1] = elsewhere["places"][:, 0]  # where to go when the prefixes are noticed
    return table


def adapt(at: Ground, table: Actors, rows: Ints, now: int, action: str) -> None:
    """React to `action` against the actors `rows`."""
    rng = at.rng
    for row in rows.tolist():
        if action in _FINAL:
            table["ends"][row] = min(int(table["ends"][row]), now)
            stock = np.flatnonzero(table["starts"] == NEVER)
            if len(stock):
                table["starts"][stock[0]] = now + int(rng.uniform(0.1, 1.0) * HOUR_MS)
            continue
        table["keep"][row] /= 2
        family = int(table["reactions"][row]) % 4
        table["reactions"][row] += 1
        if family == 0:
            table["places"][row, :-1] = table["places"][row, -1]
        elif family == 1:
            table["devices"][row] = fingerprints(rng, 2)
        elif family == 2:
            table["payment"][row] = fingerprints(rng, 1)[0]
        else:
            table["templates"][row] = skeletons(rng, table["templates"].shape[1])
            table["systems"][row] = fingerprints(rng, 2)


PIECE = Piece(
    "adaptive",
    "A19",
    "enforcement-aware",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.3),
        "stock": Parameter(0.5, 0.0, 5.0, "accounts in stock, as a share of those at work"),
    },
    adapt=adapt,
)
