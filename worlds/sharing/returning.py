"""People who let an account lapse and sign up again: a new account on an old machine and line."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.clock import DAY_MS
from worlds.ground import Ground
from worlds.randomness import fingerprints
from worlds.sharing.cards import put_on
from worlds.sharing.circles import circles, everybody

# Assumptions: three in a hundred accounts are somebody's second try of the last two months.
SHARE, WITHIN_DAYS, LAPSE_DAYS, ONE_CARD = 0.06, 60.0, 10.0, 0.7


def share(at: Ground, table: Actors) -> None:
    """Let one account of each pair end, and the other begin after a while."""
    rng = at.rng
    person = circles(rng, everybody(table), SHARE * at.sharing, 2, 2)
    for name in ("country", "places", "places_cum", "devices", "devices_cum"):
        table[name][person.rows] = table[name][person.first]
    one_card = (rng.random(person.count) < ONE_CARD)[person.of]
    put_on(table, person.rows, fingerprints(rng, person.count)[person.of], one_card)
    leads = person.rows == person.first
    again, old = person.rows[~leads], person.first[~leads]
    earliest = at.period.start - int(WITHIN_DAYS * DAY_MS)
    table["created"][again] = rng.integers(earliest, at.period.end, len(again))
    lapse = (rng.exponential(LAPSE_DAYS, len(old)) * DAY_MS).astype(np.int64)
    table["ends"][old] = table["created"][again] - lapse
    table["created"][old] = np.minimum(table["created"][old], table["ends"][old] - DAY_MS)
    table["starts"][person.rows] = table["created"][person.rows]
