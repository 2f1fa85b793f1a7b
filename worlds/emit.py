"""Columns to JSON bytes: fixed-width members as byte matrices, the rest by one format per event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worlds.randomness import Ints, Words

_HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2").view(np.uint16)

Table = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Records:
    """A batch of records as a log holds them: keys, values, and when (ms) each was appended."""

    keys: list[bytes]
    values: list[bytes]
    timestamps: Ints

    def __len__(self) -> int:
        """Give the number of records."""
        return len(self.values)


def hex_members(before: bytes, values: Words, after: bytes, digits: int) -> list[bytes]:
    """Write each value as `before`, its lowest hex digits, `after`; a value of 0 as nothing."""
    count, left = len(values), len(before)
    matrix = np.empty((count, left + digits + len(after)), dtype=np.uint8)
    matrix[:, :left] = np.frombuffer(before, dtype=np.uint8)
    octets = values.astype(">u8").view(np.uint8)
    matrix[:, left : left + digits] = (
        _HEX[octets].view(np.uint8).reshape(count, 16)[:, 16 - digits :]
    )
    matrix[:, left + digits :] = np.frombuffer(after, dtype=np.uint8)
    matrix[values == 0] = 0  # numpy's byte strings end at their trailing zeros: nothing is left
    strings: list[bytes] = matrix.view(f"S{matrix.shape[1]}").ravel().tolist()
    return strings


def table_of(members: Sequence[bytes]) -> Table:
    """Make a table of ready members to pick from by code."""
    table = np.empty(len(members), dtype=object)
    table[:] = members
    return table


def pick(table: Table, codes: Ints) -> list[bytes]:
    """Pick the member of each code."""
    picked: list[bytes] = table[codes].tolist()
    return picked
