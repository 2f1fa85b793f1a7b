"""A8: a few requests a day from three times the accounts."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.network import CAREFUL, network, share_prompts
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts

_TEMPLATES = 12  # so many accounts at so few requests can work from more than others do


def build(at: Ground, values: Values) -> Actors:
    """Make the network; each account keeps a rate of its own between the two."""
    table = network(at, values.count("accounts"), at.moment(values["starts"]), 1.0, fresh=CAREFUL)
    rates = at.rng.uniform(values["daily_low"], values["daily_high"], len(table))
    table["daily_log"] = np.log(rates)
    share_prompts(at.rng, table, templates=_TEMPLATES)
    return table


PIECE = Piece(
    "low_and_slow",
    "A8",
    "low and slow",
    build,
    {
        "accounts": accounts(600),
        "starts": starts(0.15),
        "daily_low": Parameter(2.0, 0.5, 50.0, "least requests per account and day"),
        "daily_high": Parameter(5.0, 0.5, 50.0, "most requests per account and day"),
    },
    bounds=("daily_low", "daily_high"),
)
