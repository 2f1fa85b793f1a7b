"""What a stage's whole state is at one place in its input: columns as bytes, and the little else.

A checkpoint's arrays are views of the live state: they hold until the stage takes its next input.
Only the part of a table that is in use is in it, so that a budget costs nothing until it is filled.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from detectors.errors import StateError
from detectors.state.page_log import PAGE, scatter

Bytes = npt.NDArray[np.uint8]
# Tables that came later. Where a state was kept without one it is all zero, and that is right: no event
# id has a content that is known, so what was seen before counts as delivered again, as it did then; of
# what accounts use and how they word it nothing is known yet.
ADDED = frozenset(
    {
        *("contents", "styles", "habits", "held", "held_slots", "wordings", "wording_free"),
        *("group_members", "group_holdings", "group_leaders", "group_hour", "group_reports"),
        *("spelling_kinds", "spelling_keys", "spelling_left", "spelling_lengths"),
        "spelling_names",
    }
)


class Checkpoint(NamedTuple):
    """Tables by name (one-dimensional, contiguous), and the rest as the stage encodes it."""

    tables: dict[str, np.ndarray]
    rest: bytes

    def also(self, tables: Mapping[str, np.ndarray]) -> Checkpoint:
        """The same with more tables, of other names; each (n,), contiguous, of any dtype."""
        return self._replace(tables={**self.tables, **tables})


def used_part(state: Any, counts: Mapping[str, int]) -> dict[str, np.ndarray]:
    """The tables of a state, those in `counts` cut to what is in use; views, of the state's dtypes.

    `counts` has the place among the state's `scalars` that holds how many rows of a table are.
    """
    return {
        name: rows[: state.scalars[counts[name]]] if name in counts else rows
        for name, rows in zip(state._fields, state, strict=True)
    }


def shapes_of(tables: Mapping[str, np.ndarray]) -> dict[str, str]:
    """A digest of each table's dtype: bytes of another layout must never be read as this one."""
    return {name: _shape(rows.dtype) for name, rows in tables.items()}


class Restoration:
    """A state in the making: pages go straight into the tables of a fresh state.

    Tables named in `loose`, and those that the state does not have, have no budget: they are made as
    large as they must be, and are the stage's to take over.
    """

    def __init__(self, state: Any, loose: Iterable[str] = ()) -> None:
        self._fixed: dict[str, Bytes] = {}
        for name, rows in zip(getattr(state, "_fields", ()), state, strict=True):
            if name not in loose:
                raw = rows.view(np.uint8)
                if raw.any():  # a page that is not in the log is all zero
                    raw[:] = 0
                self._fixed[name] = raw
        self._loose: dict[str, Bytes] = {}
        self._sizes: dict[str, int] = {}

    def resize(self, sizes: Mapping[str, int]) -> None:
        """Bring every table to its size in bytes. Raises StateError where a budget is smaller."""
        for name, size in sizes.items():
            raw = self._table(name, size)
            if raw.size < size:
                raise StateError(
                    f"the kept state has {size:,} bytes of {name}, its budget is {raw.size:,}: set "
                    "[budgets] to what it was, or begin anew without the kept state"
                )
            raw[size : self._sizes.get(name, 0)] = 0  # where a table shrank
        self._sizes = dict(sizes)

    def write(self, table: str, pages: np.ndarray, data: np.ndarray) -> None:
        """Put pages of a table in their places.

        `pages` are int64 numbers of pages, `data` their bytes (uint8) one after another. Raises ValueError
        where those do not go together.
        """
        if data.size != pages.size * PAGE or table not in self._sizes:
            raise ValueError(f"{data.size} bytes for {pages.size} pages of {table}")
        scatter(self._table(table, 0)[: self._sizes[table]], pages.astype(np.int64), data)

    def tables(self) -> dict[str, Bytes]:
        """The bytes in use of every table."""
        return {name: self._table(name, 0)[:size] for name, size in self._sizes.items()}

    def _table(self, name: str, size: int) -> Bytes:
        if name in self._fixed:
            return self._fixed[name]
        raw = self._loose.get(name)
        if raw is None or raw.size < size:
            grown = np.zeros(1 << max(size, 1).bit_length(), np.uint8)
            if raw is not None:
                grown[: raw.size] = raw
            self._loose[name] = raw = grown
        return raw


def grown(rows: np.ndarray, raw: Bytes) -> np.ndarray:
    """A table like `rows`, as large as it must be for the kept bytes, with them in it.

    `rows` are of any dtype; the kept bytes are uint8.
    """
    kept = raw.view(rows.dtype)
    if kept.size > rows.size:
        rows = np.zeros(1 << (kept.size - 1).bit_length(), rows.dtype)
    rows[: kept.size] = kept
    return rows


def _shape(dtype: np.dtype[Any]) -> str:
    return hashlib.sha256(repr(dtype.descr).encode()).hexdigest()[:12]
