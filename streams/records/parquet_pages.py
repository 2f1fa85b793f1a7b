"""How much memory a row group of a parquet file takes to be read, by its own page headers.

A page of a few kilobytes may become two gigabytes, and the library makes room for what a header claims.
So the headers of the columns that are wanted are read first; the footer's sizes are a writer's word only.
Format: https://github.com/apache/parquet-format, `PageHeader` in Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

MOST_PAGES = 256 << 20  # bytes of one page of each wanted column and its dictionary, unpacked
MOST_BATCH = 64 << 20  # bytes of the rows that are read at once
MOST_FOOTER = 64 << 20
HEADER = 1 << 14
MOST_HEADER = 1 << 20  # statistics lie in it
DATA, DICTIONARY, DATA_V2 = 0, 2, 3
DELTA_BYTE_ARRAY = 7
KEEPS_DICTIONARY = frozenset(
    {0, 2, 8}
)  # plain and both dictionary encodings: Arrow knows no others
NUMBER = 16  # the widest that is no string


class PageError(ValueError):
    """A row group cannot be read within the bounds, or its pages make no sense."""


class _Page(NamedTuple):
    kind: int
    unpacked: int
    packed: int
    values: int
    encoding: int


class Plan(NamedTuple):
    """How a row group is read: so many rows at once, and which places' columns as dictionaries."""

    rows: int
    dictionaries: tuple[int, ...]


def plan(raw: IO[bytes], group: Any, schema: Any, columns: list[int], rows: int) -> Plan:
    """How to read a row group, `rows` at once at most. Raises PageError where it cannot be bounded.

    `group` is its metadata, `schema` the file's, `columns` the places of the columns that are wanted.
    """
    held, row_bytes, dictionaries = 0, 1.0, []
    for place in columns:
        chunk = group.column(place)
        page_bytes, of_a_row, keeps = _column(raw, chunk, schema.column(place).length)
        held += page_bytes
        row_bytes += of_a_row
        if keeps:
            dictionaries.append(place)
        if held > MOST_PAGES:
            raise PageError(
                f"pages of {held:,} bytes at column {chunk.path_in_schema}, of which a row group's "
                f"columns may have {MOST_PAGES:,} together; write it with smaller pages or row groups"
            )
    return Plan(max(1, min(rows, int(MOST_BATCH / row_bytes))), tuple(dictionaries))


def footer_bytes(raw: IO[bytes], size: int) -> int:
    """How long the footer is, by the file's last bytes."""
    raw.seek(max(size - 8, 0))
    return int.from_bytes(raw.read(4), "little")


def _column(raw: IO[bytes], chunk: Any, width: int) -> tuple[int, float, bool]:
    """Bytes of a column's largest page and dictionary, bytes of a row, and whether it stays a dictionary.

    A dictionary is what makes a small page large: a value of a megabyte, meant a thousand times.
    """
    largest = dictionary = 0
    of_a_row = float(NUMBER)
    plain = True
    for page in _pages(raw, chunk):
        size = max(page.unpacked, page.packed)
        if page.kind == DICTIONARY:
            dictionary = max(dictionary, size)
            continue
        largest = max(largest, size)
        plain = plain and page.encoding in KEEPS_DICTIONARY
        # Values that share their beginnings may each be as long as the page. Only an attacker's are:
        # twice `MOST_BATCH` is the bound there, so that others' files are not read in crumbs.
        share = 2 if page.encoding == DELTA_BYTE_ARRAY else max(page.values, 1)
        of_a_row = max(of_a_row, page.unpacked / share)
    keeps = bool(dictionary) and plain and chunk.physical_type == "BYTE_ARRAY"
    if chunk.physical_type == "FIXED_LEN_BYTE_ARRAY":
        of_a_row = max(of_a_row, width)
    elif chunk.physical_type == "BYTE_ARRAY" and not keeps:
        of_a_row = max(of_a_row, dictionary)
    return largest + dictionary, of_a_row, keeps


def _pages(raw: IO[bytes], chunk: Any) -> Iterator[_Page]:
    at = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < chunk.dictionary_page_offset < at:
        at = chunk.dictionary_page_offset
    end = at + chunk.total_compressed_size
    values = 0
    while at < end and values < chunk.num_values:
        page, size = _page_at(raw, at)
        if page.unpacked < 0 or page.packed < 0:
            raise PageError("a page header names a size below 0")
        yield page
        if page.kind in (DATA, DATA_V2):
            values += page.values
        at += size + page.packed


def _page_at(raw: IO[bytes], at: int) -> tuple[_Page, int]:
    for size in (HEADER, MOST_HEADER):
        raw.seek(at)
        reader = _Compact(raw.read(size))
        try:
            fields = reader.struct()
        except IndexError:
            continue
        kind = fields.get(1, -1)
        about = fields.get({DATA: 5, DICTIONARY: 7, DATA_V2: 8}.get(kind, -1), {})
        encoding = about.get(4 if kind == DATA_V2 else 2, -1)
        sizes = fields.get(2, -1), fields.get(3, -1)
        return _Page(kind, *sizes, about.get(1, 0), encoding), reader.at
    raise PageError(
        f"a page header at byte {at:,} cannot be read, or has more than {MOST_HEADER:,} bytes"
    )


class _Compact:
    """Thrift's compact protocol, as far as page headers go: IndexError where the bytes end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The integers and structs of a struct, by field."""
        if depth > 8:
            raise PageError("a page header nests too deep")
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._zigzag()
            found[field] = self._value(head & 15, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 7:
            return self._skip(8)
        if kind == 8:
            return self._skip(self._varint())
        if kind in (9, 10):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._varint()
            for _ in range(count):
                self._value(3 if head & 15 < 3 else head & 15, depth + 1)
            return None
        if kind == 12:
            return self.struct(depth + 1)
        raise PageError("a page header cannot be read: it may be encrypted or damaged")

    def _byte(self) -> int:
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 63:
                raise PageError("a page header holds a number beyond 64 bits")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
