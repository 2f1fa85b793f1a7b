"""Events from a file of lines, compressed or not, from parquet, or "-" (standard input), as chunks of bytes.

Memory is bounded whatever the file holds: a chunk has at most `CHUNK_BYTES` of lines of at most `LINE_CAP`,
what unpacks it takes `unpacking.MOST_WINDOW`, and parquet what `parquet_pages` says.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, TextIO

from streams.records.appearance import Sight, foreign
from streams.records.file_errors import EventFileError
from streams.records.unpacking import BLOCK, Ahead, DamagedError, unpacked

# Called with bytes read so far and the total, None where it is not known (a pipe).
Progress = Callable[[int, int | None], None]

# An endless line must not eat all memory. What is cut off here is still far over the decoder's
# 64 KiB, so the piece is rejected as too large, which the whole line would be as well; its dead
# letter then holds this piece and not the whole.
LINE_CAP = 1 << 20
CHUNK_BYTES = 64 << 20  # a chunk of longest lines ends here, before it has its rows

PARQUET, BOM = b"PAR1", b"\xef\xbb\xbf"
HEAD = 4096  # enough to tell what a file is


def read_chunks(
    path: str, rows: int = 20_000, progress: Progress | None = None, sight: Sight | None = None
) -> Iterator[list[bytes]]:
    """Lines of a file of events in order, `rows` at a time at most, without line ends; blank lines skipped.

    The contents decide, not the name: gzip, bzip2, xz, zstd and parquet are known by their first bytes. A
    parquet row becomes compact JSON of the contract's properties, without its nulls (null means "not
    known"), timestamps as ms. `sight` is told what the file's beginning looks like. Raises EventFileError.
    """
    report = progress or _no_report
    sight = Sight() if sight is None else sight
    try:
        if path == "-":
            raw = Ahead(_standard_input())
            yield from _lines(raw, "standard input", None, rows, report, sight)
            return
        with Path(path).open("rb") as file:
            about = os.fstat(file.fileno())
            total = about.st_size if stat.S_ISREG(about.st_mode) else None
            raw = Ahead(file)  # a pipe can be looked at ahead, and not be wound back
            if total is not None and raw.peek(4) == PARQUET:
                from streams.records.parquet_events import parquet_lines

                lines = parquet_lines(path, total, rows, report, sight)
                yield from _chunks(([line] for line in lines), rows)
                return
            yield from _lines(raw, path, total, rows, report, sight)
    except OSError as error:
        reason = error.strerror or error
        raise EventFileError(f"{path}: {reason}; give a readable file or -") from error


def read_small(path: str, most: int) -> bytes:
    """All of a file that is no stream of events, unpacked, without a byte-order mark.

    Raises OSError, and EventFileError where it is damaged or larger than `most` bytes.
    """
    with Path(path).open("rb") as raw:
        source = unpacked(Ahead(raw), path)
        pieces, size = [], 0
        while block := source.read(BLOCK):
            size += len(block)
            if size > most:
                raise EventFileError(f"{path}: more than {most >> 20} MiB; give another file")
            pieces.append(block)
    return b"".join(pieces).removeprefix(BOM)


def overwrites(out: str, source: str) -> bool:
    """Whether writing to `out` would destroy `source`, which is still read; - is standard input."""
    try:
        written = os.stat(out)
        read = os.fstat(_standard_input().fileno()) if source == "-" else os.stat(source)
    except (OSError, ValueError, EventFileError):  # no such file yet, or standard input is none
        return False
    return stat.S_ISREG(written.st_mode) and os.path.samestat(written, read)


def _standard_input() -> IO[bytes]:
    stdin: TextIO | None = sys.stdin
    if stdin is None:  # Python's word for a descriptor that was closed when it began
        raise EventFileError("standard input is closed; give a file, or pipe the events in")
    return stdin.buffer


def _no_report(_: int, __: int | None) -> None:
    """Nobody watches."""


def _lines(
    raw: Ahead, name: str, total: int | None, rows: int, report: Progress, sight: Sight
) -> Iterator[list[bytes]]:
    if raw.peek(4) == PARQUET:
        raise EventFileError(
            f"{name}: parquet can be read from a regular file alone; give its path"
        )
    source = unpacked(raw, name)
    read = 0

    def counted() -> Iterator[list[bytes]]:
        nonlocal read
        for lines in _split(source):
            read += len(lines)
            yield lines

    try:
        sight.head = source.peek(HEAD)
        if what := foreign(sight.head):
            raise EventFileError(f"{name}: {what}")
        for chunk in _chunks(counted(), rows):
            report(raw.taken, total)
            yield chunk
    except DamagedError as error:
        raise error.after(read) from error
    report(raw.taken, total)


def _chunks(pieces: Iterator[list[bytes]], rows: int) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for lines in pieces:
        while lines:
            room = rows - len(chunk)
            taken, lines = lines[:room], lines[room:]  # noqa: PLW2901
            chunk += taken
            size += sum(map(len, taken))
            if len(chunk) >= rows or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


def _split(source: Any) -> Iterator[list[bytes]]:
    """Non-blank lines of a binary stream, by the block, each at most `LINE_CAP` bytes."""
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
        lines = [line[:LINE_CAP] for line in pieces if line and not line.isspace()]
        if len(rest) > LINE_CAP:
            lines.append(rest[:LINE_CAP])
            rest, skipping = b"", True
        yield lines
    if rest and not rest.isspace():
        yield [rest]
