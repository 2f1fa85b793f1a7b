"""Small teams that never made an organisation: one pays for all, some have prompts in common."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.places import CORP
from worlds.randomness import fingerprints, skeletons
from worlds.sharing.circles import circles, everybody

# Assumptions: founders, laboratories, bands of students; as large as the handful of accounts that
# one card of a hydra serves, or a little larger.
SHARE, SMALLEST, LARGEST = 0.06, 3, 9
ONE_ROOM, ONE_PROMPT = 0.35, 0.5


def share(at: Ground, table: Actors) -> None:
    """Let teams share a card, and some of them prompts, or a room with a line of its own."""
    rng = at.rng
    team = circles(rng, everybody(table), SHARE * at.sharing, SMALLEST, LARGEST)
    table["payment"][team.rows] = fingerprints(rng, team.count)[team.of]
    table["tier"][team.rows] = np.maximum(table["tier"][team.rows], 2)
    alike = (rng.random(team.count) < ONE_PROMPT)[team.of]
    table["systems"][team.rows[alike], 0] = fingerprints(rng, team.count)[team.of][alike]
    table["templates"][team.rows[alike], 0] = skeletons(rng, team.count)[team.of][alike]
    together = (rng.random(team.count) < ONE_ROOM)[team.of]
    rows, first = team.rows[together], team.first[together]
    table["country"][rows] = table["country"][first]
    rooms = at.places.add(rng, CORP, table["country"][team.leads])
    table["places"][rows, 1] = rooms[team.of][together]
    table["places_cum"][rows, 0] = np.minimum(table["places_cum"][rows, 0], 0.5)
    table["places_cum"][rows, 1:] = 1.0
