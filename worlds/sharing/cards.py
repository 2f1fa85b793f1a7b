"""Putting a circle's accounts on one card, where they pay at all."""

from __future__ import annotations

import numpy as np

from worlds.actors import Actors
from worlds.randomness import Bools, Ints, Words


def put_on(table: Actors, rows: Ints, cards: Words, which: Bools) -> None:
    """Let those of `rows` that pay, and that `which` marks, pay with the card beside them."""
    pays = which & (table["payment"][rows] != 0)
    table["payment"][rows] = np.where(pays, cards, table["payment"][rows])
