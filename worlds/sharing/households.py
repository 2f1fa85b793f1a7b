"""Couples and families: one line, often one card, sometimes one computer."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import fingerprints
from worlds.sharing.cards import put_on
from worlds.sharing.circles import circles, everybody

# Assumptions: on a platform that a few percent of adults use, one account in ten has somebody of
# the same household on it as well; they keep one purse about as often as not.
SHARE, SMALLEST, LARGEST = 0.10, 2, 4
ONE_CARD, ONE_DEVICE = 0.55, 0.30


def share(at: Ground, table: Actors) -> None:
    """Let a tenth of the accounts live together by twos to fours."""
    rng = at.rng
    home = circles(rng, everybody(table), SHARE * at.sharing, SMALLEST, LARGEST)
    for name in ("country", "places"):
        table[name][home.rows] = table[name][home.first]
    one_card = (rng.random(home.count) < ONE_CARD)[home.of]
    put_on(table, home.rows, fingerprints(rng, home.count)[home.of], one_card)
    borrowed = (rng.random(home.count) < ONE_DEVICE)[home.of] & (home.rows != home.first)
    rows, first = home.rows[borrowed], home.first[borrowed]
    table["devices"][rows, 1] = table["devices"][first, 0]
    table["devices_cum"][rows] = (0.6, 1.0)
