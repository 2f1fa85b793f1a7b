"""Events in Parquet with columns of any kind, and the rows that are read of them."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from streams.records.event_files import read_chunks
from tests.stage_stories import START, request

COUNT = 5


IDS = [uuid.UUID(int=(1 << 127) + number).bytes for number in range(COUNT)]


def events(**columns: Any) -> pa.Table:
    table = pa.Table.from_pylist([request(number, START) for number in range(COUNT)])
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        if at >= 0:
            table = table.remove_column(at)
        table = table.append_column(name, values)
    return table


def rows_of(table: pa.Table, where: Path, **options: Any) -> list[dict[str, Any]]:
    path = where / "events.parquet"
    pq.write_table(table, path, **options)
    return [orjson.loads(line) for chunk in read_chunks(str(path)) for line in chunk]
