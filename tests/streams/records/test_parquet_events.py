"""Parquet as others write it: any type of any column, ids as bytes, and pages that are bombs."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.contract.request_event import OPTIONAL
from detectors.decode.decoder import Decoder
from streams.records import parquet_pages
from streams.records.appearance import Sight
from streams.records.event_files import EventFileError, read_chunks
from tests.places import ROOT
from tests.stage_stories import KEY, START, request

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


UNKNOWN = [
    pa.array([1_000_000_001] * COUNT, pa.duration("ns")),
    pa.array([1_000_000_001] * COUNT, pa.time64("ns")),
    pa.array([2**62 + 1] * COUNT, pa.timestamp("ns")),
    pa.array([2**40] * COUNT, pa.timestamp("s")),
    pa.array([20_000] * COUNT, pa.date32()),
    pa.array([[1], None, [], [2, 3], [None]], pa.list_(pa.int64())),
    pa.array([{"a": {"b": [1]}}] * COUNT),
    pa.array([[("k", b"\xff")]] * COUNT, pa.map_(pa.string(), pa.binary())),
    pa.array([b"\xff\xfe"] * COUNT, pa.binary()),
    pa.array(IDS, pa.binary(16)),
    pa.array([None] * COUNT, pa.null()),
    pa.array([Decimal("1.5")] * COUNT, pa.decimal256(60, 20)),
    pa.array(np.array([1, 2, 3, 4, np.nan], np.float16)),
    pa.array(["x"] * COUNT).dictionary_encode(),
    pa.array(["x"] * COUNT, pa.string_view()),
    pa.ExtensionArray.from_storage(pa.uuid(), pa.array(IDS, pa.binary(16))),
    pa.array([True] * COUNT),
]


@pytest.mark.parametrize("column", UNKNOWN, ids=lambda column: str(column.type))
def test_a_column_that_the_contract_does_not_know_costs_nothing(
    column: pa.Array, tmp_path: Path
) -> None:
    plain = rows_of(events(), tmp_path)
    assert plain == [request(number, START) for number in range(COUNT)]
    assert rows_of(events(took=column), tmp_path) == plain


@pytest.mark.parametrize("column", UNKNOWN, ids=lambda column: str(column.type))
@pytest.mark.parametrize("name", ["session_id", "max_tokens", "stream", "temperature", "asn"])
def test_a_known_column_of_any_type_costs_no_event(
    name: str, column: pa.Array, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(events(**{name: column}), path)
    lines = [line for chunk in read_chunks(str(path)) for line in chunk]
    decoded = Decoder(KEY).decode(lines)
    # Bytes that are no text, in a column for text, are what they are in JSON.
    refused = column.type == pa.binary()
    assert len(decoded.rejected) == (COUNT if refused else 0)


UUIDS = {
    "fixed": pa.array(IDS, pa.binary(16)),
    "bytes": pa.array(IDS, pa.binary()),
    "large": pa.array(IDS, pa.large_binary()),
    "dictionary": pa.array(IDS, pa.binary()).dictionary_encode(),
    "logical": pa.ExtensionArray.from_storage(pa.uuid(), pa.array(IDS, pa.binary(16))),
}


@pytest.mark.parametrize("name", ["event_id", "account_id", "org_id"])
@pytest.mark.parametrize("kind", UUIDS)
def test_ids_of_16_bytes_are_read_as_hex(kind: str, name: str, tmp_path: Path) -> None:
    for dictionary in (True, False):
        found = rows_of(events(**{name: UUIDS[kind]}), tmp_path, use_dictionary=dictionary)
        assert [row[name] for row in found] == [one.hex() for one in IDS]


def test_a_uuid_stays_one_also_where_its_bytes_could_be_text(tmp_path: Path) -> None:
    odd = [b"0123456789abcde%d" % number for number in range(COUNT)]
    logical = pa.ExtensionArray.from_storage(pa.uuid(), pa.array(odd, pa.binary(16)))
    assert rows_of(events(event_id=logical), tmp_path)[1]["event_id"] == odd[1].hex()
    for text in (pa.array(odd, pa.binary(16)), pa.array(odd, pa.binary())):
        assert rows_of(events(account_id=text), tmp_path)[1]["account_id"] == odd[1].decode()


def test_text_and_digests_in_columns_of_bytes(tmp_path: Path) -> None:
    digest, template = bytes(range(200, 232)), bytes(range(128, 136))
    (row, *_) = rows_of(
        events(
            payment_fp=pa.array([digest] * COUNT, pa.binary(32)),
            template_fp=pa.array([template] * COUNT, pa.binary(8)),
            session_id=pa.array(["é-1".encode().ljust(9, b"\0")] * COUNT, pa.binary(9)),
            model=pa.array(["größe".encode()] * COUNT, pa.binary()),
        ),
        tmp_path,
    )
    assert row["payment_fp"] == digest.hex()
    assert row["template_fp"] == template.hex()
    assert row["session_id"] == "é-1"
    assert row["model"] == "größe"


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int16(), pa.string())],
)
def test_every_type_of_text_is_text(kind: pa.DataType, tmp_path: Path) -> None:
    names = ["a-1", "é", None, "日本", ""]
    column = pa.array(names).cast(kind) if pa.types.is_dictionary(kind) else pa.array(names, kind)
    for dictionary in (True, False):
        found = rows_of(events(org_id=column), tmp_path, use_dictionary=dictionary)
        assert [row.get("org_id") for row in found] == names


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_a_time_of_any_unit_and_zone_is_milliseconds(
    unit: str, zone: str | None, tmp_path: Path
) -> None:
    at = START // 1000 * 1000
    column = pa.array([at] * COUNT, pa.timestamp("ms", zone)).cast(pa.timestamp(unit, zone))
    for kind in ("event_time", "account_created_at", "ingest_time"):
        assert rows_of(events(**{kind: column}), tmp_path)[0][kind] == at


def test_a_far_time_in_96_bits_is_no_other_time(tmp_path: Path) -> None:
    far = 253_402_214_400_000  # the year 9999, where "for ever" is often put
    column = pa.array([START, far, far, far, far], pa.timestamp("ms"))
    found = rows_of(
        events(account_created_at=column), tmp_path, use_deprecated_int96_timestamps=True
    )
    assert [row["account_created_at"] for row in found[:2]] == [START, far]


def test_numbers_as_other_systems_write_them(tmp_path: Path) -> None:
    (row, *_) = rows_of(
        events(
            event_time=pa.array([Decimal(2**60)] * COUNT, pa.decimal128(20, 0)),
            input_tokens=pa.array([912.0] * COUNT),
            cost_usd=pa.array([Decimal("0.25")] * COUNT, pa.decimal128(10, 4)),
            stream=pa.array([1, 0, 1, 0, 2], pa.int8()),
            latency_ms=pa.array([1_500_999_999] * COUNT, pa.duration("ns")),
            account_created_at=pa.array([dt.date(2024, 2, 29)] * COUNT),
        ),
        tmp_path,
    )
    assert row["event_time"] == 2**60
    assert row["input_tokens"] == 912
    assert row["cost_usd"] == 0.25
    assert row["stream"] is True
    assert row["latency_ms"] == 1500
    assert row["account_created_at"] == 1_709_164_800_000


def test_a_nested_value_of_an_optional_property_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(
        events(org_id=pa.array([["o"]] * COUNT), lang=pa.array([{"a": 1}] * COUNT)), path
    )
    (lines,) = read_chunks(str(path))
    decoded = Decoder(KEY).decode(lines)
    unknown = dict(zip(OPTIONAL, decoded.unknown.tolist(), strict=True))
    assert (len(decoded.events), unknown["org_id"], unknown["lang"]) == (COUNT, COUNT, COUNT)


def test_a_file_without_columns_of_the_contract_is_refused_and_what_lacks_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(pa.table({"id": ["e"], "user": ["u"]}), path)
    with pytest.raises(EventFileError, match="none of its columns is a property"):
        list(read_chunks(str(path)))
    pq.write_table(events().drop_columns(["model", "account_id"]), path)
    sight = Sight()
    assert sum(map(len, read_chunks(str(path), sight=sight))) == COUNT
    assert sight.lacking == ("account_id", "model")


def test_batches_do_not_change_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pa.concat_tables([events(org_id=pa.array(["o", None, "p", "o", "q"]))] * 40)
    found = []
    for most, options in (
        (1 << 26, {}),
        (500, {}),
        (500, {"use_dictionary": False}),
        (500, {"row_group_size": 7, "data_page_version": "2.0"}),
        (500, {"use_dictionary": False, "column_encoding": {"org_id": "DELTA_BYTE_ARRAY"}}),
    ):
        monkeypatch.setattr(parquet_pages, "MOST_BATCH", most)
        found.append(rows_of(table, tmp_path, **options))
    assert len(found[0]) == 200
    assert all(one == found[0] for one in found)


def test_a_page_larger_than_the_bound_is_refused_by_its_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_pages, "MOST_PAGES", 1 << 20)
    large = pa.array(["x" * (1 << 20)] * COUNT)
    for dictionary in (True, False):
        with pytest.raises(EventFileError, match=r"pages of [\d,]+ bytes at column account_id"):
            rows_of(events(account_id=large), tmp_path, use_dictionary=dictionary)
    assert len(rows_of(events(prompt=large), tmp_path)) == COUNT


BOMBS: dict[str, tuple[int, dict[str, Any]]] = {
    "one value of a dictionary, 20,000 times": (900_000, {}),
    "beginnings that are shared": (
        500_000,
        {"use_dictionary": False, "column_encoding": {"account_id": "DELTA_BYTE_ARRAY"}},
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_read_in_bounded_memory(bomb: str, tmp_path: Path) -> None:
    """Its rows would take 10 to 18 GB at once; they get 2 GiB of addresses beyond what is loaded."""
    size, options = BOMBS[bomb]
    path = tmp_path / "events.parquet"
    one = request(0, START)
    count = 20_000
    places = pa.array(np.zeros(count, np.int32))
    table = pa.table({name: pa.array([value] * count) for name, value in one.items()})
    column = pa.DictionaryArray.from_arrays(places, ["a" * size])
    if options:
        column = pa.array(["a" * size] * 1000 + ["b"] * (count - 1000))
    at = table.schema.get_field_index("account_id")
    pq.write_table(table.set_column(at, "account_id", column), path, compression="zstd", **options)
    assert path.stat().st_size < 100_000
    script = (
        "import resource, sys, pyarrow.parquet\n"
        "from streams.records.event_files import CHUNK_BYTES, read_chunks\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "count = 0\n"
        "for chunk in read_chunks(sys.argv[1]):\n"
        "    count += len(chunk)\n"
        "    assert sum(map(len, chunk)) <= 2 * CHUNK_BYTES\n"
        "after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(count, after - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rows, kib = map(int, done.stdout.split())
    assert rows == count
    assert kib < 1 << 20


def test_page_headers_are_those_that_the_library_reads(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    table = pa.table({"event_id": [f"e-{n}" for n in range(5000)], "n": list(range(5000))})
    for version in ("1.0", "2.0"):
        pq.write_table(
            table, path, data_page_size=1000, write_batch_size=100, data_page_version=version
        )
        group = pq.read_metadata(path).row_group(0)
        with path.open("rb") as raw:
            for place in range(2):
                chunk = group.column(place)
                pages = list(parquet_pages._pages(raw, chunk))
                data = [page for page in pages if page.kind != parquet_pages.DICTIONARY]
                assert len(data) > 3
                assert sum(page.values for page in data) == 5000
                assert sum(page.packed for page in pages) < chunk.total_compressed_size
                assert sum(page.unpacked for page in pages) < chunk.total_uncompressed_size


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_is_refused_by_name_and_nothing_else_happens(
    seed: int, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    pq.write_table(events(org_id=pa.array(["o"] * COUNT)), path)
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for at in random.integers(4, len(content) - 8, 20):
        content[at] = random.integers(0, 256)
    path.write_bytes(content)
    said = str(path)
    try:
        list(read_chunks(str(path)))
    except EventFileError as error:
        said = str(error)
    assert str(path) in said
