"""A network partition's state as a checkpoint, and back: its tables, and the ticks that wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np

from detectors.exchange.hand_over import HandOver, decode, packed_part
from detectors.exchange.loss import Loss
from detectors.networks import state as ks
from detectors.networks.state import NetworkState
from detectors.state.checkpoint import Bytes, Checkpoint, used_part

WAITING = "waiting"  # hand-overs of ticks that not all sources have passed, one after another

# Where `scalars` says how many rows of a table are in use.
COUNTS = (
    {"shared": ks.SHARED, "free": ks.SHARED_FREE, "names": ks.NAME_END, "touched": ks.TOUCHED}
    | {"members": ks.MEMBERS, "member_free": ks.MEMBER_FREE}
)  # fmt: skip


class Progress(msgspec.Struct, frozen=True):
    """How far the sources and the partition are."""

    passed: list[int]
    applied: list[tuple[int, int]]
    closed: int
    waiting: list[int] = []  # bytes of each hand-over
    holes: dict[int, int] = {}  # tick -> hours of input that its sources had missed
    loss: Loss | None = None  # the last time that hand-overs were deleted unread
    unheard: set[int] = set()  # sources that have said nothing since


_decoder = msgspec.msgpack.Decoder(Progress)


def checkpoint_of(
    state: NetworkState, progress: Progress, waiting: Iterable[HandOver]
) -> Checkpoint:
    """The state as it is; its tables are views."""
    records = [packed_part(hand_over) for hand_over in waiting]
    tables = used_part(state, COUNTS)
    tables[WAITING] = np.frombuffer(b"".join(records), np.uint8)
    progress = msgspec.structs.replace(progress, waiting=[len(r) for r in records])
    return Checkpoint(tables, msgspec.msgpack.encode(progress))


def restore(tables: Mapping[str, Bytes], rest: bytes) -> tuple[Progress, list[HandOver]]:
    """How far it was, and the ticks that wait; `tables` are kept bytes (uint8), by table."""
    progress = _decoder.decode(rest)
    raw = tables[WAITING].tobytes()
    waiting, at = [], 0
    for size in progress.waiting:
        waiting.append(decode(raw[at : at + size]))
        at += size
    return progress, waiting
