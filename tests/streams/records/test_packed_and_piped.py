"""What is behind a compressed stream's end is read or told of; a pipe is read as a file is."""

import bz2
import gzip
import lzma
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pytest

from streams.records import event_files as files
from streams.records import unpacking
from streams.records.event_files import EventFileError, overwrites, read_chunks

LINES = [b'{"event_id":"e-%d"}' % number for number in range(25)]
TEXT = b"\n".join(LINES) + b"\n"
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: bytes(pa.compress(content, "zstd", asbytes=True)),
}


def all_lines(path: Path | str) -> list[bytes]:
    return [line for chunk in read_chunks(str(path)) for line in chunk]


def damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes(255 - byte for byte in packed[middle:])


@pytest.mark.parametrize("kind", PACKINGS)
@pytest.mark.parametrize("wrong", ["damaged", "cut", "no header", "garbage"])
def test_what_is_wrong_behind_a_whole_member_is_an_error(
    kind: str, wrong: str, tmp_path: Path
) -> None:
    packed = PACKINGS[kind](TEXT)
    behind = {
        "damaged": damaged(packed),
        "cut": packed[:-5],
        "no header": b"XX" + packed[2:],
        "garbage": b"some words\n",
    }[wrong]
    path = tmp_path / "events"
    path.write_bytes(packed + behind)
    with pytest.raises(EventFileError, match=r"events: damaged or cut short after \d+ lines"):
        all_lines(path)


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_zeros_behind_a_member_are_no_part_of_it(kind: str, tmp_path: Path) -> None:
    packed = PACKINGS[kind](TEXT)
    path = tmp_path / "events"
    path.write_bytes(packed + bytes(512) + packed + bytes(100_000))
    assert all_lines(path) == LINES * 2


@pytest.mark.parametrize("kind", ["bz2", "xz"])
def test_members_may_begin_anywhere_and_hold_nothing(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = PACKINGS[kind]
    path = tmp_path / "events"
    path.write_bytes(b"".join(pack(line + b"\n") + pack(b"") for line in LINES))
    for piece in (1, 7, unpacking.PIECE):
        monkeypatch.setattr(unpacking, "PIECE", piece)
        assert all_lines(path) == LINES


def test_a_bzip2_bomb_is_handed_on_by_the_block() -> None:
    class Bomb:
        packed = bz2.compress(bytes(60 << 20))

        def read(self, size: int, /) -> bytes:
            data, self.packed = self.packed[:size], self.packed[size:]
            return data

    source = unpacking.unpacked(unpacking.Ahead(Bomb()), "bomb")
    blocks = [len(source.read(files.BLOCK)) for _ in range(50)]
    assert min(blocks) > 0
    assert max(blocks) <= files.BLOCK


@contextmanager
def piped(content: bytes, way: str, folder: Path) -> Iterator[str]:
    """A pipe as a path, by name or by descriptor, and something that writes to it."""
    target: str | int
    reading = None
    if way == "name":
        path = target = str(folder / "pipe")
        os.mkfifo(path)
    else:
        reading, target = os.pipe()
        path = f"/dev/fd/{reading}"

    def write() -> None:
        with open(target, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=write)
    writer.start()
    yield path
    writer.join()
    if reading is not None:
        os.close(reading)


@pytest.mark.parametrize("way", ["name", "descriptor"])
@pytest.mark.parametrize("kind", ["plain", *PACKINGS])
def test_a_pipe_given_as_a_path_is_read(kind: str, way: str, tmp_path: Path) -> None:
    content = TEXT if kind == "plain" else PACKINGS[kind](TEXT)
    seen: list[int | None] = []
    with piped(content, way, tmp_path) as path:
        chunks = read_chunks(path, 10, lambda _, total: seen.append(total))
        assert [line for chunk in chunks for line in chunk] == LINES
    assert set(seen) == {None}


def test_parquet_from_a_pipe_is_refused_with_the_mend(tmp_path: Path) -> None:
    with (
        piped(files.PARQUET + bytes(30), "name", tmp_path) as path,
        pytest.raises(EventFileError, match=r"pipe: parquet can be read from a regular file alone"),
    ):
        all_lines(path)


def test_standard_input_that_is_closed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(EventFileError, match="standard input is closed; give a file"):
        all_lines("-")
    out = tmp_path / "out"
    out.touch()
    assert not overwrites(str(out), "-")
