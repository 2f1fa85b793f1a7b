"""The records of the state topic: pages of a stage's state, what seals them, and who may write.

A stage has one partition of the topic. An entry of its log is some `Pages` and then one `Seal`; pages
without their seal mean nothing. Whoever takes a stage over writes a `Fence` first: what another
writer adds behind it (a worker that was thought dead and wakes up) is passed over by every reader,
in the one order that the partition has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import cramjam
import msgspec
import numpy as np

from detectors.errors import StateError
from detectors.judging.memory import is_memory, other_versions
from detectors.state.checkpoint import ADDED, Checkpoint, shapes_of
from detectors.state.page_log import Change, Entry

FORMAT = 1
LEVEL = 1  # of Zstandard: three times smaller at 300 MB/s; higher ones cost more than they save


class Fence(msgspec.Struct, frozen=True, array_like=True, tag="fence"):
    """From here on only this writer counts."""

    format: int
    writer: str


class Pages(msgspec.Struct, frozen=True, array_like=True, tag="pages"):
    """Some pages of one table, compressed; `pages` are their numbers as 32-bit integers."""

    format: int
    writer: str
    number: int
    table: str
    pages: bytes
    data: bytes

    def change(self) -> Change:
        """The pages again. Raises ValueError for what no worker packed."""
        try:
            data = np.frombuffer(bytes(cramjam.zstd.decompress(self.data)), np.uint8)
        except cramjam.DecompressionError as error:
            raise ValueError(str(error)) from error
        return Change(self.table, np.frombuffer(self.pages, np.uint32), data)


class Seal(msgspec.Struct, frozen=True, array_like=True, tag="seal"):
    """The end of entry `number`: with all from `since` on, the state before `next_offset`."""

    format: int
    writer: str
    number: int
    since: int
    records: int  # of pages in this entry
    next_offset: int
    origin: dict[str, str]  # what must be equal for the state to mean the same
    sizes: dict[str, int]
    shapes: dict[str, str]
    rest: bytes
    around: bytes  # what the stage keeps around its part of the engine
    digest: int
    at: int  # ms since epoch, for people
    input_id: str = ""  # of the topic that `next_offset` counts in, as far as the broker tells


Record = Fence | Pages | Seal
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
encode = _encoder.encode


def packed(entry: Entry, checkpoint: Checkpoint, writer: str) -> Iterator[bytes]:
    """An entry's pages as records."""
    for table, pages, data in entry.changes(checkpoint.tables):
        squeezed = bytes(cramjam.zstd.compress(data.tobytes(), level=LEVEL))
        yield encode(Pages(FORMAT, writer, entry.number, table, pages.tobytes(), squeezed))


@contextmanager
def of_this_version(where: str) -> Iterator[None]:
    """Say of what cannot be read where it was kept, and what to do. Raises StateError."""
    try:
        yield
    except StateError as error:
        raise StateError(f"{where}: {error}; {MEND}") from error
    except msgspec.MsgspecError as error:
        raise StateError(f"{where}: kept by another version ({error}); {MEND}") from error


def decode(record: bytes | None, where: str) -> Record:
    """A record of the state topic. Raises StateError for what another version or somebody else wrote."""
    if record is None:
        raise StateError(f"{where}: a tombstone, which no worker writes; {FOREIGN}")
    try:
        found = _decoder.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(
            f"{where}: not a record of kept state: {error}; if another version wrote it, run that one; "
            f"{FOREIGN}"
        ) from error
    if found.format != FORMAT:
        raise StateError(
            f"{where}: kept state of format {found.format}, this version reads {FORMAT}; {MEND}"
        )
    return found


def refuse_others(seal: Seal, origin: dict[str, str], checkpoint: Checkpoint, where: str) -> None:
    """Raise StateError where the same bytes would mean something else here."""
    for name in sorted(origin.keys() | seal.origin.keys()):
        mine, other = origin.get(name, "not known"), seal.origin.get(name, "not known")
        if mine != other:
            what = "" if name.endswith("KEY") else f" = {other}, and it is {mine} now"
            raise StateError(f"{where}: kept with another {name}{what}; put it back, or {RESET}")
    shapes = shapes_of(checkpoint.tables)
    for name, kept, mine in other_versions(shapes, seal.shapes):
        raise StateError(
            f"{where}: detector {name}: its memory was kept as {kept}, this version reads {mine}; {MEND}"
        )
    unlike = [n for n in shapes.keys() | seal.shapes.keys() if _differs(n, shapes, seal.shapes)]
    if unlike:
        raise StateError(
            f"{where}: kept by a version that lays {', '.join(sorted(unlike))} out differently; {MEND}"
        )


def _differs(table: str, mine: Mapping[str, str], kept: Mapping[str, str]) -> bool:
    """Whether a table is laid out otherwise; a detector's memory may be missing on either side.

    So may a table that came later be in what was kept before: see `ADDED`.
    """
    if is_memory(table) and not (table in mine and table in kept):
        return False
    if table in ADDED and table not in kept:
        return False
    return mine.get(table) != kept.get(table)


RESET = (
    "begin anew: `hydrawatch state reset` forgets what is kept, and the worker reads the request "
    "topic from its beginning"
)
FOREIGN = (
    "if somebody else wrote it, take that right away (deploy/kafka/acls.sh), for it would come again, and "
    f"{RESET}"
)
MEND = f"run the version that wrote it, or {RESET}"
