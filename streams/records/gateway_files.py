"""A file of gateway records as bodies that the intake takes: whole lines at a time, or all where it is one.

Compressed or not, by its first bytes; "-" is standard input.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Final

import orjson

from streams.records.event_files import PARQUET, Progress
from streams.records.file_errors import EventFileError
from streams.records.unpacking import BLOCK, Ahead, unpacked

CHUNK: Final = 4 << 20  # bytes of lines in a body
HEAD: Final = 1 << 20  # looked at to tell whether lines are records by themselves
MOST_WHOLE: Final = 256 << 20  # of a file that is one body


def bodies(path: str, progress: Progress | None = None) -> Iterator[bytes]:
    """The bodies of a file, in order. Raises EventFileError where it cannot be read, or not as a whole."""
    name = "standard input" if path == "-" else path
    try:
        if path == "-" and sys.stdin is None:
            raise EventFileError("standard input is closed; give a file, or pipe the records in")
        with nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb") as file:
            yield from _bodies(file, name, progress)
    except OSError as error:
        raise EventFileError(f"{name}: {error.strerror or error}; give a readable file") from error


def _bodies(file: IO[bytes], name: str, progress: Progress | None) -> Iterator[bytes]:
    total = _size(file)
    raw = Ahead(file)
    if raw.peek(4) == PARQUET:
        raise EventFileError(f"{name}: parquet is read of no gateway; export JSON Lines")
    source = unpacked(raw, name)
    made = _whole(source, name) if not _has_lines(source.peek(HEAD)) else _lines(source)
    for body in made:
        if progress is not None:
            progress(raw.taken, total)
        yield body
    if progress is not None:
        progress(raw.taken, total)


def _size(file: IO[bytes]) -> int | None:
    """A regular file's size; None of a pipe."""
    try:
        about = os.fstat(file.fileno())
    except io.UnsupportedOperation:  # no file of the system's
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else None


def _has_lines(head: bytes) -> bool:
    """Whether lines are records by themselves, as far as the beginning tells."""
    if b"\0" in head[:4096]:
        return False  # protobuf
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    first, newline, _ = text.partition(b"\n")
    if text[:1] not in (b"{", b"["):
        return True
    if not newline:
        return len(head) >= HEAD  # one line that is longer than what was looked at
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        # A broken first line, or the beginning of a value over several lines?
        return first.rstrip().endswith((b"}", b"]")) and text[:1] == b"{"
    return True


def _whole(source: Ahead, name: str) -> Iterator[bytes]:
    pieces, size = [], 0
    while block := source.read(BLOCK):
        size += len(block)
        if size > MOST_WHOLE:
            raise EventFileError(
                f"{name}: one JSON value of more than {MOST_WHOLE >> 20} MiB; make lines of it: "
                "jq -c '.[]' FILE | ... -"
            )
        pieces.append(block)
    if pieces:
        yield b"".join(pieces)


def _lines(source: Ahead) -> Iterator[bytes]:
    pieces: list[bytes] = []
    size = 0
    while block := source.read(BLOCK):
        pieces.append(block)
        size += len(block)
        if size < CHUNK or b"\n" not in block:
            continue
        whole, rest = b"".join(pieces).rsplit(b"\n", 1)
        yield whole
        pieces, size = [rest], len(rest)
    last = b"".join(pieces)
    if last and not last.isspace():
        yield last
