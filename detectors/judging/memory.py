"""A detector's memory of all entities of a stage: a table of its own, a row per entity.

Rows are the stage's rows of those entities; the host empties them with the entity. In kept state the
table is named after the detector and the version of its memory, so that a detector may come, go and
change without any other state being refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.errors import StateError
from detectors.interface.detector import Card, Seen

PREFIX = "memory"
PEAK = np.dtype(
    [
        ("surprise", "<f8"),
        ("observed", "<f8"),
        ("expected", "<f8"),
        ("end", "<i8"),  # of the window, ms since epoch
    ]
)


class Memory:
    """One columnar detector's table, and its strongest evidence of each entity where that is kept."""

    def __init__(self, card: Card, dtype: np.dtype[Any], rows: int, *, peaks: bool) -> None:
        self.table: NDArray[Any] = np.zeros(rows, dtype)
        self._peaks = np.zeros(rows if peaks else 0, PEAK)
        self._name = table_name(card)

    def empty(self, rows: NDArray[np.int64]) -> None:
        """Forget the entities in these rows (int64, n)."""
        if self.table.dtype.itemsize:
            self.table[rows] = np.zeros(1, self.table.dtype)
        if self._peaks.size:
            self._peaks[rows] = np.zeros(1, PEAK)

    def strengthen(self, row: int, seen: Seen) -> None:
        """Keep what was seen of an entity if it is stronger than what was kept."""
        peak = self._peaks[row]
        if seen.surprise > peak["surprise"]:
            self._peaks[row] = (seen.surprise, seen.observed, seen.expected, seen.end)

    def strongest(self, row: int, kind: int) -> Seen | None:
        """The strongest that was seen of an entity of this kind."""
        peak = self._peaks[row]
        if not peak["surprise"] > 0.0:
            return None
        return Seen(
            float(peak["observed"]),
            float(peak["expected"]),
            float(peak["surprise"]),
            int(peak["end"]),
            kind,
        )

    def tables(self, used: int) -> dict[str, NDArray[Any]]:
        """What is to be kept: the first `used` rows of the memory and of the peaks (PEAK)."""
        kept = {self._name: self.table[:used]} if self.table.dtype.itemsize else {}
        if self._peaks.size:
            kept[f"{self._name}.peaks"] = self._peaks[:used]
        return kept

    def restore(self, tables: Mapping[str, NDArray[np.uint8]]) -> None:
        """Fill the tables, still empty, from kept bytes (uint8). Raises StateError for another row type."""
        for rows, name in ((self.table, self._name), (self._peaks, f"{self._name}.peaks")):
            raw = tables.get(name)
            if raw is not None and rows.dtype.itemsize:
                fill(rows, raw, name)

    @property
    def nbytes(self) -> int:
        """Bytes that its tables may take."""
        return self.table.nbytes + self._peaks.nbytes


def table_name(card: Card) -> str:
    """How kept state names a detector's memory."""
    return f"{PREFIX}:{card.name}:v{card.memory_version}"


def fill(rows: NDArray[Any], raw: NDArray[np.uint8], name: str) -> None:
    """Put kept bytes (uint8) into a table's first rows. Raises StateError where they do not fit."""
    size = rows.dtype.itemsize
    if raw.size % size or raw.size // size > rows.size:
        raise StateError(f"{name}: {raw.size:,} bytes are no rows of {size} bytes, or too many")
    kept = raw.view(rows.dtype)
    rows[: kept.size] = kept


def other_versions(mine: Iterable[str], kept: Iterable[str]) -> list[tuple[str, str, str]]:
    """Detectors whose kept memory has another version than mine: (name, kept version, mine).

    By names of tables. A memory that is not kept starts empty; one of a detector that is not there is
    left behind.
    """
    known = {name: version for name, version in map(_versioned, mine) if name}
    return sorted(
        {
            (name, version, known[name])
            for name, version in map(_versioned, kept)
            if name and known.get(name, version) != version
        }
    )


def is_memory(table: str) -> bool:
    """Whether a table of kept state is a detector's memory."""
    return table.startswith(f"{PREFIX}:")


def _versioned(table: str) -> tuple[str, str]:
    if not is_memory(table):
        return "", ""
    _, name, version = table.split(":")
    return name, version.partition(".")[0]
