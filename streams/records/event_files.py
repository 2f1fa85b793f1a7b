"""Events from a .jsonl, .jsonl.gz or .parquet file, or "-" (standard input), as chunks of bytes."""

from __future__ import annotations

import gzip
import json
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import orjson

from detectors.errors import HydrawatchError

# Called with bytes read so far and the total, None where it is not known (a pipe).
Progress = Callable[[int, int | None], None]

BLOCK = 1 << 20
SMALL = 64
# An endless line must not eat all memory. What is cut off here is still far over the decoder's
# 64 KiB, so the piece is rejected as too large, which the whole line would be as well; its dead
# letter then holds this piece and not the whole.
LINE_CAP = 1 << 20

GZIP, PARQUET, ZSTD, BOM = b"\x1f\x8b", b"PAR1", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf"


class EventFileError(HydrawatchError):
    """A file of events cannot be read; the message names it and the mend."""


def read_chunks(
    path: str, rows: int = 20_000, progress: Progress | None = None
) -> Iterator[list[bytes]]:
    """Lines of a file of events in order, `rows` at a time, without line ends; blank lines skipped.

    The contents decide, not the name: gzip and parquet are known by their first bytes. A parquet
    row becomes compact JSON without its null columns (null means "not known"), timestamps as ms.
    Raises EventFileError.
    """
    report = progress or _no_report
    if path == "-":
        yield from _lines(sys.stdin.buffer, "standard input", None, rows, report)
        return
    try:
        total = Path(path).stat().st_size
        with Path(path).open("rb") as raw:
            if raw.read(4) == PARQUET:
                yield from _parquet(path, total, rows, report)
                return
            raw.seek(0)
            yield from _lines(raw, path, total, rows, report)
    except OSError as error:
        reason = error.strerror or error
        raise EventFileError(f"{path}: {reason}; give a readable file or -") from error


def overwrites(out: str, source: str) -> bool:
    """Whether writing to `out` would destroy `source`, which is still read; - is standard input."""
    try:
        written = os.stat(out)
        read = os.fstat(sys.stdin.fileno()) if source == "-" else os.stat(source)
    except (OSError, ValueError):  # there is no such file yet, or standard input is none
        return False
    return stat.S_ISREG(written.st_mode) and os.path.samestat(written, read)


def _no_report(_: int, __: int | None) -> None:
    """Nobody watches."""


def _lines(
    raw: IO[bytes], name: str, total: int | None, rows: int, report: Progress
) -> Iterator[list[bytes]]:
    counted = _Counted(raw)
    head = counted.peek(4)
    if head == ZSTD:
        raise EventFileError(f"{name}: compressed with zstd; pipe it: zstd -dc FILE | ... -")
    if head == PARQUET:
        raise EventFileError(f"{name}: parquet cannot be read from a pipe; give the file's path")
    packed = head.startswith(GZIP)
    source: Any = gzip.GzipFile(fileobj=cast("IO[bytes]", counted)) if packed else counted
    chunk: list[bytes] = []
    read = 0
    try:
        for line in _split(source):
            chunk.append(line)
            if len(chunk) >= rows:
                read += len(chunk)
                report(counted.taken, total)
                yield chunk
                chunk = []
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        # Whoever asked for a replay must not take half a file for the whole.
        raise EventFileError(
            f"{name}: damaged or cut short after {read + len(chunk)} lines ({error}); "
            "fetch it again, or recover what there is: gzip -dc FILE | ... -"
        ) from error
    report(counted.taken, total)
    if chunk:
        yield chunk


def _split(source: Any) -> Iterator[bytes]:
    """Non-blank lines of a binary stream, each at most `LINE_CAP` bytes."""
    rest = b""
    skipping = False  # within a line whose head has been passed on
    first = True
    while block := source.read(BLOCK):
        if first:
            block = block.removeprefix(BOM)  # what Windows editors put before the first line
            first = False
        pieces = (rest + block).split(b"\n") if not skipping else block.split(b"\n")
        rest = pieces.pop()
        if skipping:
            if not pieces:
                rest = b""
                continue
            del pieces[0]  # the end of the long line
            skipping = False
        for line in pieces:
            if line and not line.isspace():
                yield line if len(line) <= LINE_CAP else line[:LINE_CAP]
        if len(rest) > LINE_CAP:
            yield rest[:LINE_CAP]
            rest, skipping = b"", True
    if rest and not rest.isspace():
        yield rest


class _Counted:
    """A binary stream that counts what was taken from it and can show its first bytes."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._ahead = b""
        self.taken = 0

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and (more := self._raw.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead

    def read(self, size: int) -> bytes:
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
        elif size < SMALL:
            data = self._raw.read(size)  # gzip's headers: all of it or the end
        else:
            # read1 gives what a pipe holds now instead of waiting for a full block.
            some: Callable[[int], bytes] = getattr(self._raw, "read1", self._raw.read)
            data = some(size)
        self.taken += len(data)
        return data


def _parquet(path: str, total: int, rows: int, report: Progress) -> Iterator[list[bytes]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            count = max(table.metadata.num_rows, 1)
            done = 0
            for batch in table.iter_batches(batch_size=rows):
                done += batch.num_rows
                report(total * done // count, total)
                yield [_line(row) for row in _rows(_plain_columns(batch))]
    except (pa.ArrowException, OSError, orjson.JSONEncodeError) as error:
        first = str(error).splitlines()[0]
        raise EventFileError(
            f"{path}: not a parquet file of events ({first}); write it again or give .jsonl"
        ) from error


def _plain_columns(batch: Any) -> Any:
    """The batch as the contract writes it: timestamps as whole milliseconds, decimals as numbers."""
    import pyarrow as pa

    for place, declared in enumerate(batch.schema):
        column = batch.column(place)
        if pa.types.is_timestamp(declared.type):
            column = column.cast(pa.timestamp("ms", declared.type.tz), safe=False).cast(pa.int64())
        elif pa.types.is_decimal(declared.type):
            column = column.cast(pa.float64(), safe=False)
        else:
            continue
        batch = batch.set_column(place, declared.name, column)
    return batch


def _rows(batch: Any) -> list[dict[str, Any]]:
    """The rows; strings as bytes where one of them is no UTF-8, which parquet does not rule out."""
    import pyarrow as pa

    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        for place, declared in enumerate(batch.schema):
            column = batch.column(place)
            if pa.types.is_dictionary(column.type):
                column = column.dictionary_decode()
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                batch = batch.set_column(place, declared.name, column.cast(pa.large_binary()))
        rows = batch.to_pylist()
    return rows


def _line(row: dict[str, Any]) -> bytes:
    """One row as compact JSON; bytes that are no UTF-8 stay as they are, for the decoder to judge."""
    known = {name: value for name, value in row.items() if value is not None}
    try:
        return orjson.dumps(known, default=_last_resort)
    except orjson.JSONEncodeError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        text = json.dumps(known, ensure_ascii=False, default=_as_it_is)
        return text.encode("utf-8", "surrogateescape")


def _last_resort(value: object) -> object:
    # Dates, bytes: as text, which the decoder judges like any other value.
    return value.decode() if isinstance(value, bytes) else str(value)


def _as_it_is(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
