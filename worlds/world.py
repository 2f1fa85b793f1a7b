"""One world as a whole, for those who want to know its length first, or to read it more than once."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from worlds.clock import HOUR_MS
from worlds.simulation import Simulation, count
from worlds.spec import Chosen, WorldSpec
from worlds.write import Lines


class World:
    """A world that is simulated anew whenever it is read: the same every time, and never held."""

    def __init__(self, spec: WorldSpec, seed: int, end_ms: int) -> None:
        self.spec = spec
        self.seed = seed
        self.end_ms = end_ms

    @cached_property
    def events(self) -> int:
        """Give the number of records, redelivered ones included."""
        return count(self.spec, self.seed, self.end_ms)

    def simulation(self, slice_ms: int = HOUR_MS) -> Simulation:
        """Start it."""
        return Simulation(self.spec, self.seed, self.end_ms, slice_ms=slice_ms)

    def chunks(self, rows: int = 50_000) -> Iterator[Lines]:
        """Give all records in order of arrival, `rows` at a time, fewer at the end."""
        world = self.simulation()
        waiting = []
        have = 0
        for part in world.rows():
            waiting.append(part)
            have += len(part)
            if have >= rows:
                table = np.concatenate(waiting)
                whole = have - have % rows
                for first in range(0, whole, rows):
                    yield world.lines(table[first : first + rows])
                waiting, have = [table[whole:]], have - whole
        if have:
            yield world.lines(np.concatenate(waiting))

    @cached_property
    def _truth(self) -> dict[str, Any]:
        world = self.simulation()
        for _ in world.rows():
            pass
        return world.truth()

    def truth(self) -> dict[str, Any]:
        """Say who is who: see `worlds.truth`."""
        return self._truth


def build(seed: int, days: float, accounts: int, end_ms: int, hydra_accounts: int = 300) -> World:
    """Compose `days` days up to `end_ms` (ms since epoch) of ordinary accounts, a class and a hydra.

    `accounts` are the ordinary ones; organisations add a fifth as many seats, a class up to 90
    students, and a hydra of `hydra_accounts` (0: none) starts after four sevenths.
    """
    pieces = []
    if accounts >= 10:
        pieces.append(Chosen("classroom", {"accounts": min(90, accounts // 10)}))
    if hydra_accounts:
        pieces.append(Chosen("classic_hydra", {"accounts": hydra_accounts, "starts": 4 / 7}))
    spec = WorldSpec(days=days, accounts=accounts, seats=accounts // 5, pieces=tuple(pieces))
    return World(spec, seed, end_ms)


def opened(path: Path) -> IO[bytes]:
    """Open a file for records: .gz is compressed, without a file time, so that equal worlds agree."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(path, "wb", compresslevel=6, mtime=0))
    return path.open("wb")
