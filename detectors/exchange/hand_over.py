"""What an account partition hands to a network partition for one closed tick, and its bytes.

Whole ticks, columnar, identified by (source, tick, part), so that a receiver can drop what it has
applied whatever the boundaries of a sender's batches were. A hand-over larger than one record is
cut by rows into parts; every array merges, so parts may be applied one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from detectors.exchange.records import MAX_RECORD_BYTES, read
from detectors.exchange.rows import EDGE, LOAD, ONE, SUM, TEMPLATE_ROW
from detectors.kernels.arena import pack

FORMAT = 1


NOBODY = np.zeros(0, np.uint64)


class HandOver(NamedTuple):
    """One tick of one source for one target. `names` holds the values that `edges` point to."""

    source: int
    tick: int
    edges: np.ndarray  # EDGE
    names: np.ndarray  # uint8
    sums: np.ndarray  # SUM
    ones: np.ndarray  # ONE
    loads: np.ndarray  # LOAD
    templates: np.ndarray  # TEMPLATE_ROW
    part: int = 0
    last: bool = True
    erased: np.ndarray = NOBODY  # accounts to be erased, before anything else of the tick
    holes: int = 0  # hours of its input that were incomplete, since it last said so

    @property
    def rows(self) -> int:
        """Rows in all its tables."""
        return (
            self.edges.size
            + self.sums.size
            + self.ones.size
            + self.loads.size
            + self.templates.size
            + self.erased.size
            + self.holes
        )


class _Wire(msgspec.Struct, array_like=True, frozen=True):
    format: int
    source: int
    tick: int
    part: int
    last: bool
    edges: bytes
    names: bytes
    sums: bytes
    ones: bytes
    loads: bytes
    templates: bytes
    erased: bytes = b""
    holes: int = 0


_DTYPES = (EDGE, SUM, ONE, LOAD, TEMPLATE_ROW)
_COLUMNS = ("edges", "names", "sums", "ones", "loads", "templates", "erased")
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def watermark_only(source: int, tick: int) -> HandOver:
    """A hand-over without content: it says that this source has closed `tick`."""
    edges, sums, ones, loads, templates = (np.zeros(0, dtype) for dtype in _DTYPES)
    return HandOver(source, tick, edges, np.zeros(0, np.uint8), sums, ones, loads, templates)


def encode(hand_over: HandOver) -> Iterator[bytes]:
    """One record per part, each under `MAX_RECORD_BYTES`."""
    tables = (hand_over.edges, hand_over.sums, hand_over.ones, hand_over.loads, hand_over.templates)
    size = sum(t.nbytes for t in tables) + hand_over.names.size
    parts = max(1, -(-size // MAX_RECORD_BYTES * 5 // 4) if size > MAX_RECORD_BYTES else 1)
    cut = [_cut_edges(hand_over.edges, parts)] + [np.array_split(t, parts) for t in tables[1:]]
    for part in range(parts):
        edges, names = cut[0][part], hand_over.names
        if parts > 1:
            edges, names = with_own_names(edges, names)
        sums, ones, loads, templates = (c[part] for c in cut[1:])
        yield packed_part(
            HandOver(
                hand_over.source,
                hand_over.tick,
                edges,
                names,
                sums,
                ones,
                loads,
                templates,
                part,
                part == parts - 1,
                hand_over.erased if part == 0 else NOBODY,
                hand_over.holes if part == 0 else 0,
            )
        )


def packed_part(part: HandOver) -> bytes:
    """The bytes of one part, as it is."""
    columns = {name: getattr(part, name).tobytes() for name in _COLUMNS}
    return _encoder.encode(
        _Wire(
            format=FORMAT,
            source=part.source,
            tick=part.tick,
            part=part.part,
            last=part.last,
            holes=part.holes,
            **columns,
        )
    )


def _cut_edges(edges: np.ndarray, parts: int) -> list[np.ndarray]:
    """Edges in `parts` of about as many bytes, because names differ in length."""
    ends = np.cumsum(edges["name_len"].astype(np.int64) + EDGE.itemsize)
    total = int(ends[-1]) if edges.size else 0
    return np.split(edges, np.searchsorted(ends, [total * p // parts for p in range(1, parts)]))


def decode(record: bytes) -> HandOver:
    """The part that a record holds. Raises ContractError for bytes that no sender wrote."""
    wire = read(_decoder, record, "hand-over", FORMAT)
    edges, sums, ones, loads, templates = (
        np.frombuffer(raw, dtype)
        for raw, dtype in zip(
            (wire.edges, wire.sums, wire.ones, wire.loads, wire.templates), _DTYPES, strict=True
        )
    )
    return HandOver(
        wire.source,
        wire.tick,
        edges,
        np.frombuffer(wire.names, np.uint8),
        sums,
        ones,
        loads,
        templates,
        part=wire.part,
        last=wire.last,
        erased=np.frombuffer(wire.erased, np.uint64),
        holes=wire.holes,
    )


def with_own_names(edges: np.ndarray, names: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A copy of `edges` with just the names that they point to, packed.

    `edges` are rows.EDGE, `names` uint8.
    """
    own = edges.copy()
    packed = np.zeros(int(own["name_len"].sum()), np.uint8)
    pack(own["name_at"], own["name_len"], names, packed, 0)
    return own, packed
