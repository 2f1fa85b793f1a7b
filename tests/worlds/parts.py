"""Every piece of the catalogue in one world of two weeks, taken apart again."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from worlds.actors import Actors
from worlds.catalogue import KIND_OF
from worlds.clock import DAY_MS
from worlds.draw import Requests
from worlds.simulation import Simulation
from worlds.spec import Chosen, WorldSpec
from worlds.vocabulary import IP_CLASSES

END_MS = 1_777_000_000_000
SPEC = WorldSpec(
    days=14.0,
    accounts=400,
    seats=60,
    pieces=tuple(Chosen(kind) for kind in KIND_OF.values()),
)


@dataclass
class Part:
    """One piece's actors and requests (each once); `place` is (prefix class) by place number."""

    actors: Actors
    rows: Requests
    begin: int
    world: Simulation

    @property
    def own(self) -> Actors:
        """The actor of each request."""
        return self.world.cast.actors[self.rows["actor"]]

    def ip_classes(self) -> set[str]:
        table = np.concatenate(self.world.cast.ground.places._columns)
        known = self.rows["place"][self.rows["place"] > 0]
        return {IP_CLASSES[code] for code in np.unique(table[known, 1])}

    def daily(self, rows: Any = None) -> Any:
        """Requests by day of the world."""
        rows = self.rows if rows is None else rows
        return np.bincount((rows["time"] - self.world.start_ms) // DAY_MS, minlength=14)


@cache
def parts_of_the_world() -> dict[str, Part]:
    """Run the world, once; give the pieces by code."""
    world = Simulation(SPEC, 1, END_MS)
    rows = np.concatenate([part[~part["again"]] for part in world.rows()])
    found = {}
    for g in world.cast.groups:
        if g.code:
            mine = rows[(rows["actor"] >= g.begin) & (rows["actor"] < g.end)]
            found[g.code] = Part(world.cast.actors[g.begin : g.end], mine, g.begin, world)
    return found


def actors_of(world: Simulation, kind: str) -> Actors:
    """The actors of the one group of a kind."""
    (group,) = (g for g in world.cast.groups if g.kind == kind)
    return world.cast.actors[group.begin : group.end]


def holders(values: Any, accounts: Any) -> list[int]:
    """Accounts per value, 0 apart."""
    found: dict[int, set[int]] = defaultdict(set)
    for value, account in zip(values.tolist(), accounts.tolist(), strict=True):
        if value:
            found[value].add(account)
    return sorted(len(some) for some in found.values())


def top_share(codes: Any) -> float:
    """The share of the most common code."""
    return float(Counter(codes.tolist()).most_common(1)[0][1] / len(codes))
