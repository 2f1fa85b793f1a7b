"""Devices that look alike: the same laptop, system and browser give the same fingerprint."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import choose
from worlds.vocabulary import CLIENTS

# Of two million fingerprints of browsers only one in three was unique (33.6 %; Gomez-Boix, Laperdrix
# and Baudry, Hiding in the Crowd, WWW 2018), of a small and curious crowd four in five (Eckersley,
# How Unique Is Your Web Browser?, PETS 2010). A digest that also takes hardware in collides less:
# that it does for one browser in six, and for one other client in twenty-five, is an assumption.
BROWSERS, OTHERS = 1 / 6, 1 / 25
_BROWSER = np.array([client.access_path == "web" for client in CLIENTS])


def share(at: Ground, table: Actors) -> None:
    """Let owners of common models have one fingerprint."""
    rng, count = at.rng, len(table)
    likely = np.where(_BROWSER[table["client"]], BROWSERS, OTHERS) * at.sharing
    common = rng.random(count) < likely
    models = at.commons.devices
    table["devices"][common, 0] = models[choose(rng, at.commons.device_weights, count)][common]
