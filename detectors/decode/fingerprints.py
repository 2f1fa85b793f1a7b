"""A row's fingerprints from the positions of its strings: one place, whichever way they were found."""

from __future__ import annotations

import numpy as np

from detectors.decode.tables import ACCOUNT, EPOCH, IDENTITY, IDENTITY_PROPERTY, Cells, Tables
from detectors.kernels.compiled import kernel
from detectors.kernels.siphash import epoch_half, fingerprint_at


@kernel
def seal(
    buffer: np.ndarray, row: int, cells: Cells, t: Tables, k0: np.uint64, k1: np.uint64
) -> None:
    """Fill a row's fingerprints from the positions of its strings. `buffer` is uint8."""
    half = epoch_half(k0, cells.words[row, t.fixed[EPOCH]])
    for prop in t.texts:
        size = np.int64(cells.shorts[row, t.size[prop]])
        if size > 0:
            at = np.int64(cells.halves[row, t.at[prop]])
            key = half if t.epoch[prop] else k0
            cells.words[row, t.slot[prop]] = np.int64(fingerprint_at(buffer, at, size, key, k1))
    # An event's identity is its id under its account's key: ids need only be unique per account.
    prop = t.fixed[IDENTITY_PROPERTY]
    account = np.uint64(cells.words[row, t.fixed[ACCOUNT]])
    at = np.int64(cells.halves[row, t.at[prop]])
    size = np.int64(cells.shorts[row, t.size[prop]])
    event = fingerprint_at(buffer, at, size, k0 ^ account, k1)
    cells.words[row, t.fixed[IDENTITY]] = np.int64(event)


@kernel
def seal_rows(
    buffer: np.ndarray, rows: np.ndarray, cells: Cells, t: Tables, key: np.ndarray
) -> None:
    """Fill the fingerprints of the given rows, whichever way their strings were found.

    `buffer` is uint8, `rows` int64; `key` holds the two halves of the hash key (uint64).
    """
    for row in rows:
        seal(buffer, row, cells, t, key[0], key[1])
