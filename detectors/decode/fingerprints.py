"""A row's fingerprints from the positions of its strings: one place, whichever way they were found."""

from __future__ import annotations

import numpy as np

from detectors.contract.request_event import CONTENT_WORDS
from detectors.decode.tables import (
    ACCOUNT,
    DIGEST,
    EPOCH,
    IDENTITY,
    IDENTITY_PROPERTY,
    Cells,
    Tables,
)
from detectors.kernels.compiled import inlined, kernel
from detectors.kernels.hashing import mix
from detectors.kernels.siphash import epoch_half, fingerprint_at

_STEP = np.uint64(0x9E3779B97F4A7C15)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@inlined
def _content(row: int, cells: Cells, key: np.uint64) -> np.uint64:
    """A keyed digest of what a row says happened: the halves of each word, keyed, times one another, summed.

    Nobody without the key can write two events of one digest but by a chance of 2^-32 or so. Source: the
    hash NH of UMAC, J. Black et al., CRYPTO 1999.
    """
    total = np.uint64(0)
    for at in range(CONTENT_WORDS):
        key += _STEP
        word = np.uint64(cells.words[row, at]) + (key ^ (key >> _HALF))
        total += (word & _LOW) * (word >> _HALF)
    return mix(total)


@kernel
def seal(
    buffer: np.ndarray, row: int, cells: Cells, t: Tables, k0: np.uint64, k1: np.uint64
) -> None:
    """Fill a row's fingerprints from the positions of its strings, and its content's digest.

    `buffer` is uint8.
    """
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
    cells.words[row, t.fixed[DIGEST]] = np.int64(_content(row, cells, k0 + k1))


@kernel
def seal_rows(
    buffer: np.ndarray, rows: np.ndarray, cells: Cells, t: Tables, key: np.ndarray
) -> None:
    """Fill the fingerprints of the given rows, whichever way their strings were found.

    `buffer` is uint8, `rows` int64; `key` holds the two halves of the hash key (uint64).
    """
    for row in rows:
        seal(buffer, row, cells, t, key[0], key[1])
