"""What a partition tells the campaign owner about one closed tick, and its bytes.

As with hand-overs: whole ticks, identified by (source, tick, part), each record under 1 MB, and a
part applied before is dropped. A report without content is a watermark.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from detectors.exchange.activity import (
    ACTIVITY,
    HOLDING,
    SPELLING_TYPES,
    ActivityBatch,
    Spellings,
    slices,
    spelling_slices,
)
from detectors.exchange.findings import TickFindings
from detectors.exchange.names import NameBatch
from detectors.exchange.records import MAX_RECORD_BYTES, read

FORMAT = 2
NAME_BYTES_PER_PART = 600_000


class Report(NamedTuple):
    """One tick of one source, or a part of it."""

    source: int
    tick: int
    findings: TickFindings | None = None
    names: NameBatch | None = None
    activity: ActivityBatch | None = None
    spellings: Spellings | None = None
    part: int = 0
    last: bool = True


class _Wire(msgspec.Struct, array_like=True, frozen=True):
    format: int
    source: int
    tick: int
    part: int
    last: bool
    findings: TickFindings | None
    names: tuple[bytes, ...]
    activity: tuple[int, bytes, bytes] | None = None  # part, ACTIVITY rows, HOLDING rows
    spellings: tuple[bytes, ...] = ()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)
_NAME_TYPES = ("<u8", "<u8", "<i8", "<i8", "<u2", "u1", "<u2", "u1")


def encode(report: Report) -> Iterator[bytes]:
    """One record per part."""
    parts: list[Report] = []
    bare = Report(report.source, report.tick)
    if report.findings is not None:
        parts += [bare._replace(findings=piece) for piece in _pieces(report.findings)]
    if report.names is not None:
        parts += [bare._replace(names=piece) for piece in _slices(report.names)]
    if report.activity is not None:
        parts += [bare._replace(activity=piece) for piece in slices(report.activity)]
    if report.spellings is not None:
        parts += [bare._replace(spellings=piece) for piece in spelling_slices(report.spellings)]
    parts = parts or [bare]
    for part, one in enumerate(parts):
        activity = one.activity
        yield _encoder.encode(
            _Wire(
                FORMAT,
                report.source,
                report.tick,
                part,
                part == len(parts) - 1,
                one.findings,
                _columns(one.names),
                activity
                and (activity.part, activity.accounts.tobytes(), activity.holdings.tobytes()),
                _columns(one.spellings),
            )
        )


def decode(record: bytes) -> Report:
    """The part that a record holds. Raises ContractError for bytes that no sender wrote."""
    wire = read(_decoder, record, "report", FORMAT)
    names = None
    if wire.names:
        names = NameBatch(
            wire.source,
            wire.tick,
            *(np.frombuffer(c, t) for c, t in zip(wire.names, _NAME_TYPES, strict=True)),
        )
    activity = None
    if wire.activity is not None:
        number, accounts, holdings = wire.activity
        rows = np.frombuffer(accounts, ACTIVITY), np.frombuffer(holdings, HOLDING)
        activity = ActivityBatch(wire.source, wire.tick, *rows, number)
    spellings = None
    if wire.spellings:
        columns = zip(wire.spellings, SPELLING_TYPES, strict=True)
        spellings = Spellings(wire.source, wire.tick, *(np.frombuffer(c, t) for c, t in columns))
    return Report(
        wire.source,
        wire.tick,
        wire.findings,
        names,
        activity,
        spellings,
        part=wire.part,
        last=wire.last,
    )


def _columns(batch: NameBatch | Spellings | None) -> tuple[bytes, ...]:
    return () if batch is None else tuple(np.asarray(c).tobytes() for c in batch[2:])


def _pieces(findings: TickFindings) -> Iterator[TickFindings]:
    """The findings in parts of `MAX_RECORD_BYTES`; what is larger by itself is a part of its own."""
    piece: dict[str, list[Any]] = {}
    size = 0
    for field in ("erased", "accounts", "cohorts", "keys", "groups"):
        for one in getattr(findings, field):
            more = len(_encoder.encode(one))
            if piece and size + more > MAX_RECORD_BYTES:
                yield _piece(findings.tick, piece)
                piece, size = {}, 0
            piece.setdefault(field, []).append(one)
            size += more
    if piece:
        yield _piece(findings.tick, piece)


def _piece(tick: int, content: dict[str, list[Any]]) -> TickFindings:
    return TickFindings(tick, **{field: tuple(some) for field, some in content.items()})


def _slices(names: NameBatch) -> Iterator[NameBatch]:
    sizes = names.id_lengths.astype(np.int64) + names.org_lengths + 36
    ends = np.cumsum(sizes)
    start = 0
    while start < sizes.size:
        limit = (ends[start - 1] if start else 0) + NAME_BYTES_PER_PART
        stop = max(int(np.searchsorted(ends, limit)), start + 1)
        ids = slice(int(names.id_lengths[:start].sum()), int(names.id_lengths[:stop].sum()))
        orgs = slice(int(names.org_lengths[:start].sum()), int(names.org_lengths[:stop].sum()))
        rows = slice(start, stop)
        yield NameBatch(
            names.source,
            names.tick,
            names.accounts[rows],
            names.orgs[rows],
            names.first_seen[rows],
            names.created[rows],
            names.id_lengths[rows],
            names.ids[ids],
            names.org_lengths[rows],
            names.org_ids[orgs],
        )
        start = stop
