"""Record values to columns: one row per event, and the rest set aside with the reason.

Plain records go the fast way (`fast`), all others the slow way (`slow`), with the same
result. Bad bytes are values here, never exceptions: one bad record costs nothing but itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from detectors.contract.request_event import COLUMN, INDEX, OPTIONAL, PROPERTIES, USAGE
from detectors.decode.fast import PADDING, decode_plain
from detectors.decode.fingerprints import seal_rows
from detectors.decode.rejects import (
    DECODER_FAILED,
    MOST_BYTES,
    Refusal,
    Rejected,
    failed,
)
from detectors.decode.slow import Slow
from detectors.decode.tables import blank_rows, tables
from detectors.errors import ConfigError, ContractError
from detectors.interface.clock import MINUTE_MS
from detectors.kernels.siphash import hash_key as halves

FUTURE_MS = 5 * MINUTE_MS
_MOST_BATCH_BYTES = 2**31  # positions are 32-bit, and the slow way's strings come on top
_ROW = COLUMN["row"]


class Decoded(NamedTuple):
    """What a batch of record values became.

    `events`: `request_event.EVENT` rows of the accepted records, in the batch's order. `buffer`: uint8, where
    their `*_at` and `*_len` columns point (UTF-8). `rejected`: the others, in the batch's order.
    `unknown`: int64 per name of `request_event.OPTIONAL`, in how many accepted events that property was
    there but null, empty or not valid; `unusable`: in how many of these it was neither null nor empty.
    `no_usage`: int64 per name of `USAGE`, in how many that was null.
    """

    events: np.ndarray
    buffer: np.ndarray
    rejected: list[Rejected]
    unknown: np.ndarray
    unusable: np.ndarray
    no_usage: np.ndarray


class Decoder:
    """Decodes batches of request events; holds the hash key and no other state.

    `future_ms`: how far an event's time may lie ahead of its record's timestamp.
    """

    def __init__(self, hash_key: bytes, future_ms: int = FUTURE_MS) -> None:
        if not 0 <= future_ms < 2**62:
            raise ConfigError(f"future_ms is {future_ms}; give 0 or more milliseconds")
        self._key = np.array(halves(hash_key), np.uint64)
        self._limits = np.array([MOST_BYTES, future_ms], np.int64)
        self._optional = np.array([INDEX[name] for name in OPTIONAL])
        self._usage = np.array([INDEX[name] for name in USAGE])

    def decode(
        self, values: Sequence[bytes | None], timestamps: np.ndarray | None = None
    ) -> Decoded:
        """Decode one batch.

        `timestamps`: int64 ms per record, negative where not known; then the record's own ingest_time
        is what its event_time is held against, and without that nothing. ContractError if the batch
        has 2 GiB or more, or not one timestamp per record.
        """
        count = len(values)
        stamps = _stamps(timestamps, count)
        raw, starts = _join(values)
        buffer = np.frombuffer(raw, np.uint8)
        events, cells = blank_rows(count)
        counts = np.zeros((2, len(PROPERTIES)), np.int64)
        done = np.zeros(count, np.uint8)
        table = tables()
        decode_plain(buffer, starts, stamps, self._limits, cells, table, self._key, counts, done)
        rejected: list[Rejected] = []
        left = np.flatnonzero(done == 0)
        if left.size:
            slow = Slow(len(raw), int(self._limits[1]))
            for row in left.tolist():
                try:
                    found = slow.decode(values[row], int(stamps[row]), counts)
                    found[_ROW] = row
                    events[row] = tuple(found)
                except MemoryError:
                    raise
                except Refusal as refusal:
                    rejected.append(Rejected(row, refusal.reason, refusal.message))
                except Exception as error:  # a fault of ours must not stop what follows
                    rejected.append(Rejected(row, DECODER_FAILED, failed(error)))
                else:
                    done[row] = 1
            if slow.texts:
                buffer = np.frombuffer(b"".join((raw, slow.texts, bytes(PADDING))), np.uint8)
            seal_rows(buffer, left[done[left] == 1], cells, table, self._key)
            if rejected:
                events = events[done == 1]
        unknown, unusable = counts[:, self._optional]
        return Decoded(events, buffer, rejected, unknown, unusable, counts[0, self._usage])


def _join(values: Sequence[bytes | None]) -> tuple[bytes, np.ndarray]:
    """All values in one buffer with padding behind, and where each begins (and the last one ends)."""
    starts = np.zeros(len(values) + 1, np.int64)
    try:
        raw = b"".join((*values, bytes(PADDING)))  # type: ignore[arg-type]
    except TypeError:  # tombstones are rare: no one else pays for them
        values = [b"" if value is None else value for value in values]
        raw = b"".join((*values, bytes(PADDING)))  # type: ignore[arg-type]
    if len(raw) >= _MOST_BATCH_BYTES:
        raise ContractError(f"a batch of {len(raw)} bytes; give less than {_MOST_BATCH_BYTES}")
    lengths = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]
    np.cumsum(lengths, out=starts[1:])
    return raw, starts


def _stamps(timestamps: np.ndarray | None, count: int) -> np.ndarray:
    if timestamps is None:
        return np.full(count, -1, np.int64)
    if timestamps.shape != (count,):
        raise ContractError(f"{timestamps.shape} timestamps for {count} records; give one each")
    return np.ascontiguousarray(timestamps, np.int64)
