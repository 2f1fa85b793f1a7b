"""One person with two accounts, a private one and one for work: same machine, same line."""

from __future__ import annotations

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import fingerprints
from worlds.sharing.cards import put_on
from worlds.sharing.circles import circles, everybody

# A second account for every sixteen: between the 4.3 to 7.9 % of monthly users that Facebook called
# duplicates in its annual report for 2013, and the 11 % in that for 2019. The card is an assumption.
SHARE = 0.12  # first and second accounts together
ONE_CARD = 0.5


def share(at: Ground, table: Actors) -> None:
    """Let two accounts each be one person's."""
    rng = at.rng
    person = circles(rng, everybody(table), SHARE * at.sharing, 2, 2)
    for name in ("country", "places", "places_cum", "devices", "devices_cum"):
        table[name][person.rows] = table[name][person.first]
    one_card = (rng.random(person.count) < ONE_CARD)[person.of]
    put_on(table, person.rows, fingerprints(rng, person.count)[person.of], one_card)
