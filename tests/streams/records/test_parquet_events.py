"""Parquet as others write it: any type of any column, and ids as bytes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.contract.request_event import OPTIONAL
from detectors.decode.decoder import Decoder
from streams.records.appearance import Sight
from streams.records.event_files import EventFileError, read_chunks
from tests.stage_stories import KEY, START, request
from tests.streams.records.parquet_files import COUNT, IDS, events, rows_of

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
