"""A compressed stream as what it holds, piece by piece; which compression it is, its first bytes say.

Whatever a stream claims, unpacking takes `MOST_WINDOW` of memory and a few blocks, and hands on a block at
a time: a bomb only takes long.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import IO, Any, Protocol, cast

from streams.records.file_errors import EventFileError

BLOCK = 1 << 20
SMALL = 64
PIECE = 1 << 16  # of packed bytes: what is behind a stream's end is copied for each
GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # behind a byte from 0x50 to 0x5f: how parallel compressors begin
MOST_WINDOW = 128 << 20  # xz -9 needs 65 MiB; zstd's own limit without --long is 128 MiB


class DamagedError(EventFileError):
    """Compressed data that are damaged or cut short; `after` says how much was read before."""

    def __init__(self, name: str, said: str, command: str, after: str = "") -> None:
        super().__init__(
            f"{name}: damaged or cut short{after} ({said}); fetch it again, or recover what there is: "
            f"{command} FILE | ... -"
        )
        self._told = name, said, command

    def after(self, lines: int) -> DamagedError:
        """The same, with the number of lines that were whole."""
        return DamagedError(*self._told, f" after {lines} lines")


class Source(Protocol):
    """What can be read in pieces; nothing is the end."""

    def read(self, size: int, /) -> bytes:
        """Give up to so many bytes."""


class Ahead:
    """A binary stream that counts what was taken from it and can show its first bytes."""

    def __init__(self, raw: IO[bytes] | Source) -> None:
        self._raw = raw
        self._ahead = b""
        self.closed = False  # pyarrow asks
        self.taken = 0

    def close(self) -> None:
        """Whoever opened the stream closes it."""

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay to be read: so many, unless it ends before."""
        while len(self._ahead) < size and (more := self._raw.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end."""
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


def unpacked(raw: Ahead, name: str) -> Ahead:
    """What a stream holds, by the compression that its first bytes name; itself if they name none.

    Reading it raises EventFileError where it is damaged, cut short or wants too much memory.
    """
    head = raw.peek(6)
    if head.startswith(GZIP):
        return _told(gzip.GzipFile(fileobj=cast("IO[bytes]", raw)), name, "gzip -dc")
    if head.startswith(BZIP2) and head[3:4].isdigit():
        return _told(_Streams(raw, bz2.BZ2Decompressor), name, "bzip2 -dc")
    if head.startswith(XZ):
        return _told(_Streams(raw, _xz), name, "xz -dc")
    if head.startswith(ZSTD) or (head[1:4] == ZSTD_SKIPPABLE and head[0] >> 4 == 5):
        return _told(_Zstd(raw), name, "zstd -dc")
    return raw


def _told(source: Source, name: str, command: str) -> Ahead:
    return Ahead(_Told(source, name, command))


class _Told:
    """A decompressor whose complaints name the file and the mend."""

    def __init__(self, source: Source, name: str, command: str) -> None:
        self._source, self._name, self._command = source, name, command

    def read(self, size: int) -> bytes:
        try:
            return self._source.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, OSError) as error:
            # bz2 and pyarrow say that data are wrong by an OSError without a number.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            said = str(error)
            if "memory" in said.lower():  # xz's and zstd's words
                raise EventFileError(
                    f"{self._name}: wants more than {MOST_WINDOW >> 20} MiB of memory to be unpacked; "
                    f"pack it again with less, or pipe it: {self._command} FILE | ... -"
                ) from error
            # Whoever asked for a replay must not take half a file for the whole.
            raise DamagedError(self._name, said, self._command) from error


def _xz() -> lzma.LZMADecompressor:
    """With a bound on the memory that a stream's header may ask for."""
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MOST_WINDOW)


class _Streams:
    """bzip2 or xz streams one behind another; Python's BZ2File takes a damaged one for the file's end."""

    def __init__(
        self, raw: Source, fresh: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor]
    ) -> None:
        self._raw = raw
        self._fresh = fresh
        self._one = fresh()
        self._input = b""

    def read(self, size: int) -> bytes:
        while True:
            if self._one.eof:
                # Between streams there may be zeros, and nothing else.
                self._input = (self._input or self._one.unused_data).lstrip(b"\0")
                while not self._input and (more := self._raw.read(PIECE)):
                    self._input = more.lstrip(b"\0")
                if not self._input:
                    return b""
                self._one = self._fresh()
            if self._one.needs_input and not self._input:
                self._input = self._raw.read(PIECE)
                if not self._input:
                    raise EOFError("the end is missing")
            given, self._input = self._input, b""
            if data := self._one.decompress(given, size):
                return data


class _Zstd:
    """zstd frames one behind another, by pyarrow, which has zstd's own bound on the window."""

    def __init__(self, raw: Ahead) -> None:
        import pyarrow as pa

        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd")

    def read(self, size: int) -> bytes:
        return bytes(self._stream.read(size))
