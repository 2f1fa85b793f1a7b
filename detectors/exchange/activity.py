"""What active accounts did in an hour, on its way to the owner: how they work, and with which values.

Columns of one hour of one account partition. A value is told by kind and fingerprint; what it is called
comes along when an account is first seen with it. As with all that crosses: under 1 MB a record, and a part
that was applied is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from detectors.exchange.hand_over import HandOver
from detectors.interface.columns import CAPABILITY_SLOTS, MANNERS
from detectors.interface.key_kinds import (
    ASN,
    COHORT,
    DEVICE,
    KINDS,
    ORG,
    PAYMENT,
    PREFIX,
    REFERRAL,
    SYSTEM,
)
from detectors.kernels.arena import packed

# Of values that only describe a group: they link nobody, and are no kinds of shared value.
CLIENT, COUNTRY = len(KINDS), len(KINDS) + 1
GROUPED = (PAYMENT, DEVICE, PREFIX, ASN, ORG, REFERRAL, SYSTEM, COHORT)
SPELT = (
    PAYMENT,
    DEVICE,
    PREFIX,
    REFERRAL,
    SYSTEM,
)  # whose holders are judged, and which have a name
_SPELT = np.isin(np.arange(256), SPELT)
_BYTES_A_PART = 600_000

ACTIVITY = np.dtype(
    [
        ("account", "<u8"),
        ("org", "<u8"),
        ("created", "<i8"),  # ms, negative where not known or not believed
        ("first", "<i8"),  # ms
        ("input", "<i8"),
        ("output", "<i8"),
        ("requests", "<u4"),
        ("minutes", "<u4"),
        ("unworded", "<u4"),
        ("cot", "<u4"),
        ("grading", "<u4"),
        *((name, "<u4") for name in MANNERS),
        ("capability", "<u2", (CAPABILITY_SLOTS,)),
        ("cohort", "u1"),
    ]
)
# Of a wording (kind `TEMPLATE`) the key is the SimHash that its prompts have in common.
HOLDING = np.dtype([("account", "<u8"), ("key", "<u8"), ("requests", "<u4"), ("kind", "u1")])


SPELLING_TYPES = (np.uint8, np.uint64, np.uint16, np.uint8)  # of a batch's columns, in order


class ActivityBatch(NamedTuple):
    """An hour of one source, or a part of it: ACTIVITY and HOLDING rows, each by account."""

    source: int
    tick: int
    accounts: np.ndarray
    holdings: np.ndarray
    part: int = 0


class Spellings(NamedTuple):
    """What values are called that accounts were first seen with in a tick; names are packed."""

    source: int
    tick: int
    kinds: np.ndarray  # uint8
    keys: np.ndarray  # uint64
    lengths: np.ndarray  # uint16
    names: np.ndarray  # uint8


def spellings_of(sent: Iterable[HandOver], source: int, tick: int) -> Spellings | None:
    """What the values of first sightings are called that may become groups; None: there are none."""
    edges, names = [], []
    for one in sent:
        if one.edges.size:
            mine = one.edges[_SPELT[one.edges["kind"]]]
            if mine.size:
                edges.append(mine)
                names.append(packed(mine["name_at"], mine["name_len"], one.names))
    if not edges:
        return None
    every = np.concatenate(edges)
    return Spellings(
        source,
        tick,
        every["kind"].copy(),
        every["key"].copy(),
        every["name_len"].copy(),
        np.concatenate(names),
    )


def slices(batch: ActivityBatch) -> Iterator[ActivityBatch]:
    """The hour in parts that each fit a record."""
    size = batch.accounts.nbytes + batch.holdings.nbytes
    parts = max(1, -(-size // _BYTES_A_PART))
    if parts == 1:
        yield batch
        return
    # An account and what it holds go together, so that a part that is lost takes both.
    order = np.argsort(batch.accounts["account"], kind="stable")
    places = np.searchsorted(batch.accounts["account"][order], batch.holdings["account"])
    which = places * parts // max(order.size, 1)
    for part in range(parts):
        first, last = -(-part * order.size // parts), -(-(part + 1) * order.size // parts)
        mine = np.sort(order[first:last])
        yield ActivityBatch(
            batch.source, batch.tick, batch.accounts[mine], batch.holdings[which == part], part
        )


def spelling_slices(batch: Spellings) -> Iterator[Spellings]:
    """Names in parts that each fit a record."""
    ends = np.cumsum(batch.lengths.astype(np.int64))
    total = int(ends[-1]) + 11 * ends.size
    parts = max(1, -(-total // _BYTES_A_PART))
    for rows in np.array_split(np.arange(ends.size), parts):
        if rows.size:
            start = int(ends[rows[0]]) - int(batch.lengths[rows[0]])
            yield batch._replace(
                kinds=batch.kinds[rows],
                keys=batch.keys[rows],
                lengths=batch.lengths[rows],
                names=batch.names[start : int(ends[rows[-1]])],
            )
