"""A4: a small network in step, for rubric grading and elicited reasoning.

The published case counts 150,000 exchanges and names payment that matches across accounts and
traffic in step; 200 to 500 accounts are a proposal for it.
"""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.attacks.divisions import Supplies
from worlds.attacks.network import in_step, network
from worlds.ground import Ground
from worlds.laws import PLAIN
from worlds.personas import set_mix
from worlds.piece import Parameter, Piece, Values, accounts, starts

_CARDS = Supplies(cards=1.0)
_MIX = {"grading": 4.0, "reasoning": 4.0, "rewrite": 1.5, "coding": 1.0, "math": 1.0}


def build(at: Ground, values: Values) -> Actors:
    """Make the network: tasks are handed out in bursts to the parts of it."""
    count = values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), supplies=_CARDS)
    set_mix(at.rng, table, _MIX, 8.0)
    table["cot"] = at.rng.beta(2.5, 7.5, count)
    table["output_law"] = PLAIN
    table["output_log"] = np.log(110.0) + at.rng.normal(0, 0.6, count)
    table["output_spread"] = 1.0
    in_step(at, table, max(1, count // 50), values.count("minutes"), values.count("jitter_s"))
    return table


PIECE = Piece(
    "synchronised_grading",
    "A4",
    "small synchronised network for grading and reasoning",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.4),
        "minutes": Parameter(60, 1, 720, "minutes between two dispatches"),
        "jitter_s": Parameter(90, 0, 3600, "seconds over which a dispatch spreads"),
    },
)
