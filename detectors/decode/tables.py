"""The contract's table as arrays, in the shape the compiled decoder looks things up in.

Names and enumeration values are held as little-endian 64-bit words, so that one compare covers
eight characters. A name's place in `slots` is a perfect hash of its words.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from detectors.contract.request_event import (
    BLANK,
    EVENT,
    INDEX,
    PROPERTIES,
    TEXT,
    Property,
)

NAME_WORDS = 3  # the longest name has 18 characters
HASH_BITS = 9
NO_SLOT = -1
FIXED = (
    *("row", "account", "event", "event_time", "ingest_time", "id_epoch", "has_template"),
    *("created", "content"),
)
ROW, ACCOUNT, IDENTITY, TIME, INGEST, EPOCH, HAS_TEMPLATE, CREATED, DIGEST = range(9)
IDENTITY_PROPERTY, CREATED_PROPERTY = 9, 10
REQUIRED, DEMANDED = 0, 10  # places in `masks`


class Cells(NamedTuple):
    """The same rows seen as columns of 64-bit integers, doubles, and 32-, 16- and 8-bit numbers."""

    words: np.ndarray
    reals: np.ndarray
    halves: np.ndarray
    shorts: np.ndarray
    octets: np.ndarray


class Tables(NamedTuple):
    """Per property, in the table's order, unless said otherwise; `slot` counts in cells of its width."""

    slots: np.ndarray  # int64[512]: property of a name's hash, -1 none
    factors: np.ndarray  # uint64[3]: the hash's multipliers
    names: np.ndarray  # uint64[n, 3]
    kind: np.ndarray
    slot: np.ndarray
    at: np.ndarray  # slot of <position>_at, or -1
    size: np.ndarray  # slot of <position>_len
    epoch: np.ndarray  # 1: a digest of its id_epoch
    low: np.ndarray  # int64 limits, of a length or a whole number
    high: np.ndarray
    least: np.ndarray  # float64 limits of a number
    most: np.ndarray
    choice: np.ndarray  # int64[n, 2]: first and last + 1 of its `values`
    values: np.ndarray  # uint64[m, 2]: enumeration values
    texts: np.ndarray  # properties with a fingerprint of their own, so all texts but event_id
    masks: (
        np.ndarray
    )  # uint64[11]: required properties; 9 low-byte masks; those that may not be null
    fixed: (
        np.ndarray
    )  # int64: slots of `FIXED`, then the properties event_id and account_created_at


def words_of(text: str, count: int) -> list[int]:
    """An ASCII text, zero-padded, as `count` little-endian words."""
    raw = text.encode().ljust(8 * count, b"\0")
    return [int.from_bytes(raw[i : i + 8], "little") for i in range(0, 8 * count, 8)]


def _slot(column: str) -> int:
    if not column:
        return NO_SLOT
    kind, offset = EVENT.fields[column][:2]  # type: ignore[index]
    return offset // kind.itemsize


def _has_fingerprint(p: Property) -> bool:
    return p.kind == TEXT and p.column not in ("", "event")


def _bound(value: float) -> int:
    return int(min(max(value, -(2**63)), 2**63 - 1)) if abs(value) != float("inf") else 0


def _perfect_hash(names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first multipliers that send every name to a slot of its own."""
    seed = 1
    while True:
        factors = []
        for _ in range(NAME_WORDS):
            seed = (seed * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
            factors.append(seed | 1)
        taken = {}
        for i, row in enumerate(names.tolist()):
            mixed = sum(word * factor for word, factor in zip(row, factors, strict=True))
            taken[(mixed & (2**64 - 1)) >> (64 - HASH_BITS)] = i
        if len(taken) == len(names):
            slots = np.full(1 << HASH_BITS, -1, np.int64)
            for slot, i in taken.items():
                slots[slot] = i
            return slots, np.array(factors, np.uint64)


@cache
def tables() -> Tables:
    """Lay the contract's table out; made once."""

    def each(get: object, kind: type = np.int64) -> np.ndarray:
        return np.array([get(p) for p in PROPERTIES], kind)  # type: ignore[operator]

    names = np.array([words_of(p.name, NAME_WORDS) for p in PROPERTIES], np.uint64)
    slots, factors = _perfect_hash(names)
    values: list[list[int]] = []
    choice = []
    for p in PROPERTIES:
        choice.append((len(values), len(values) + len(p.choices)))
        values += [words_of(value, 2) for value in p.choices]
    required = sum(1 << i for i, p in enumerate(PROPERTIES) if p.required)
    demanded = sum(1 << i for i, p in enumerate(PROPERTIES) if p.required and not p.nullable)
    return Tables(
        slots=slots,
        factors=factors,
        names=names,
        kind=each(lambda p: p.kind),
        slot=each(lambda p: _slot(p.column)),
        at=each(lambda p: _slot(p.position and f"{p.position}_at")),
        size=each(lambda p: _slot(p.position and f"{p.position}_len")),
        epoch=each(lambda p: p.epoch),
        low=each(lambda p: _bound(p.low)),
        high=each(lambda p: _bound(p.high)),
        least=each(lambda p: p.low, np.float64),
        most=each(lambda p: p.high, np.float64),
        choice=np.array(choice, np.int64),
        values=np.array(values, np.uint64),
        texts=np.array([i for i, p in enumerate(PROPERTIES) if _has_fingerprint(p)]),
        masks=np.array([required, *((1 << 8 * i) - 1 for i in range(9)), demanded], np.uint64),
        fixed=np.array(
            [*map(_slot, FIXED), INDEX["event_id"], INDEX["account_created_at"]], np.int64
        ),
    )


@cache
def _blank_words() -> np.ndarray:
    row = np.zeros(1, EVENT)
    row[0] = BLANK
    return row.view(np.int64)


def blank_rows(count: int) -> tuple[np.ndarray, Cells]:
    """`count` rows in which nothing is known, and their cells: (EVENT, count) and a view of it."""
    words = np.empty((count, EVENT.itemsize // 8), np.int64)
    words[:] = _blank_words()
    return words.view(EVENT)[:, 0], cells_of(words)


def cells_of(words: np.ndarray) -> Cells:
    """Rows as a matrix of 64-bit words, seen in every width: (int64, events x words of EVENT)."""
    return Cells(
        words,
        words.view(np.float64),
        words.view(np.uint32),
        words.view(np.uint16),
        words.view(np.uint8),
    )
