"""A14: templates are paraphrased by machine; only cards and timing join the accounts."""

from __future__ import annotations

from worlds.actors import Actors, cumulative
from worlds.attacks.divisions import CARD, share_cards
from worlds.attacks.network import CAREFUL, in_step, network, own_homes
from worlds.ground import Ground
from worlds.piece import Parameter, Piece, Values, accounts, starts


def build(at: Ground, values: Values) -> Actors:
    """Make the network: a prompt's fingerprint lies 4 to 16 bits from its template's."""
    count = values.count("accounts")
    table = network(at, count, at.moment(values["starts"]), fresh=CAREFUL)
    own_homes(at, table)
    share_cards(at.rng, table, *CARD)
    table["jitter_from"], table["jitter"] = values.count("bits_low"), values.count("bits_high")
    table["templates_cum"] = cumulative(at.rng.random((count, 6)) + 0.2)
    table["systems"] = 0
    in_step(at, table, max(1, count // 30), 60, 300)
    return table


PIECE = Piece(
    "paraphrased",
    "A14",
    "paraphrased templates",
    build,
    {
        "accounts": accounts(200),
        "starts": starts(0.35),
        "bits_low": Parameter(4, 0, 32, "fewest bits a prompt lies from its template"),
        "bits_high": Parameter(16, 0, 32, "most bits"),
    },
    bounds=("bits_low", "bits_high"),
)
