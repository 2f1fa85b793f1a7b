"""Rows of a parquet file as the JSON lines that the contract has, in bounded memory.

Only columns that the contract names are read: what else there is costs nothing, whatever its type. A row
group is read in batches that `parquet_pages` allows; strings that are written as a dictionary stay one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from detectors.contract.request_event import INDEX, PROPERTIES, REQUIRED, USAGE, Property
from streams.records.appearance import Sight
from streams.records.file_errors import EventFileError
from streams.records.parquet_pages import MOST_FOOTER, PageError, footer_bytes, plan
from streams.records.parquet_values import NESTED, values_of

BUFFER = 1 << 16  # columns are streamed: a row group's bytes are never all in memory


class _Column(NamedTuple):
    """A column that the contract names; `place` is None where it is nested, and not read."""

    prop: Property
    place: int | None
    uuid: bool


def parquet_lines(
    path: str,
    total: int,
    rows: int,
    report: Callable[[int, int | None], None],
    sight: Sight,
) -> Iterator[bytes]:
    """The rows in order, as compact JSON without nulls. Raises EventFileError."""
    try:
        yield from _lines(path, total, rows, report, sight)
    except PageError as error:
        raise EventFileError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise EventFileError(
            f"{path}: not a parquet file of events ({first}); write it again or give .jsonl"
        ) from error


def _lines(
    path: str,
    total: int,
    rows: int,
    report: Callable[[int, int | None], None],
    sight: Sight,
) -> Iterator[bytes]:
    with open(path, "rb") as raw:
        if MOST_FOOTER < (footer := footer_bytes(raw, total)) <= total:
            raise PageError(f"its footer has {footer:,} bytes; at most {MOST_FOOTER:,} are read")
        metadata = pq.read_metadata(path)
        columns = _columns(pq.read_schema(path), metadata.schema)
        if not columns:
            raise PageError("none of its columns is a property of the contract; name them so")
        names = {column.prop.name for column in columns}
        sight.lacking = tuple(name for name in REQUIRED if name not in names)
        count = max(metadata.num_rows, 1)
        done = 0
        for number in range(metadata.num_row_groups):
            for batch in _batches(path, raw, metadata, number, columns, rows):
                yield from _of_batch(batch, columns)
                done += batch.num_rows
                report(min(total, total * done // count), total)


def _batches(
    path: str, raw: IO[bytes], metadata: Any, number: int, columns: list[_Column], rows: int
) -> Iterator[Any]:
    """The batches of a row group."""
    names = {column.place: column.prop.name for column in columns if column.place is not None}
    if not names:
        raise PageError("all columns that it should have are nested; write plain ones")
    how = plan(raw, metadata.row_group(number), metadata.schema, list(names), rows)
    with pq.ParquetFile(
        path,
        metadata=metadata,
        buffer_size=BUFFER,
        read_dictionary=[names[place] for place in how.dictionaries],
        coerce_int96_timestamp_unit="ms",
    ) as table:
        yield from table.iter_batches(
            batch_size=how.rows,
            row_groups=[number],
            columns=list(names.values()),
            use_threads=False,
        )


def _of_batch(batch: Any, columns: list[_Column]) -> Iterator[bytes]:
    names = [column.prop.name for column in columns]
    values = [
        [NESTED] * batch.num_rows
        if column.place is None
        else values_of(batch.column(batch.schema.get_field_index(name)), column.prop, column.uuid)
        for name, column in zip(names, columns, strict=True)
    ]
    for row in zip(*values, strict=True):
        yield _line(dict(zip(names, row, strict=True)))


def _columns(schema: Any, leaves: Any) -> list[_Column]:
    """The columns that the contract names, in the file's order."""
    tops = Counter(field.name for field in schema)
    found = {}
    for place in range(len(leaves)):
        leaf = leaves.column(place)
        # A column's own name may hold a dot: then it is no part of another's.
        name = leaf.path if leaf.path in tops else leaf.path.split(".", 1)[0]
        if name not in INDEX or name not in tops:
            continue
        flat = leaf.path == name and leaf.max_repetition_level == 0
        if tops[name] > 1:
            raise PageError(f"two columns are named {name}; give each a name of its own")
        logical = leaf.logical_type
        uuid = logical is not None and logical.type == "UUID"
        found[name] = _Column(PROPERTIES[INDEX[name]], place if flat else None, uuid)
    return list(found.values())


def _line(row: dict[str, Any]) -> bytes:
    """One row as compact JSON; bytes that are no UTF-8 stay as they are, for the decoder to judge."""
    known = {name: value for name, value in row.items() if value is not None or name in USAGE}
    try:
        return orjson.dumps(known, default=_last_resort)
    except orjson.JSONEncodeError as error:
        if not isinstance(error.__cause__, UnicodeDecodeError):
            raise
        text = json.dumps(known, ensure_ascii=False, default=_as_it_is)
        return text.encode("utf-8", "surrogateescape")


def _last_resort(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else str(value)


def _as_it_is(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)
