"""Files of events become the raw bytes that a broker would have carried."""

import bz2
import gzip
import io
import lzma
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from detectors.decode.decoder import Decoder
from streams.records import event_files as files
from streams.records import unpacking
from streams.records.event_files import EventFileError, read_chunks
from tests.stage_stories import KEY, START, request

LINES = [b'{"event_id":"e-%d"}' % number for number in range(25)]


def all_lines(path: Path | str, rows: int = 10) -> list[bytes]:
    return [line for chunk in read_chunks(str(path), rows) for line in chunk]


class _Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BufferedReader(io.BytesIO(content))  # type: ignore[arg-type]


def test_lines_come_in_order_in_chunks_of_at_most_so_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    chunks = list(read_chunks(str(path), rows=10))
    assert [len(chunk) for chunk in chunks] == [10, 10, 5]
    assert [line for chunk in chunks for line in chunk] == LINES


def test_the_last_line_needs_no_line_end_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n\r\n  \n" + b"\n\n".join(LINES))
    assert all_lines(path) == LINES


def test_a_byte_order_mark_is_no_part_of_the_first_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(files.BOM + LINES[0])
    assert all_lines(path) == LINES[:1]


@pytest.mark.parametrize("name", ["events.jsonl.gz", "events.jsonl"])
def test_gzip_is_known_by_its_content_also_in_several_members(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(
        gzip.compress(b"\n".join(LINES[:10]) + b"\n") + gzip.compress(b"\n".join(LINES[10:]))
    )
    assert all_lines(path) == LINES


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_may_be_plain_or_gzip(packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join(LINES)
    monkeypatch.setattr("sys.stdin", _Stdin(gzip.compress(content) if packed else content))
    assert all_lines("-") == LINES


def test_a_truncated_gzip_is_an_error_and_never_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    content = b"\n".join(b'{"event_id":"%032x"}' % (number * 7919**9) for number in range(3000))
    path.write_bytes(gzip.compress(content)[:-2000])
    with pytest.raises(EventFileError, match=r"events\.jsonl\.gz: damaged or cut short after \d+"):
        all_lines(path)


def test_an_endless_line_is_cut_to_a_piece_that_is_still_too_large(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + b"\n" + b"x" * (5 * files.LINE_CAP + 17) + b"\n" + LINES[1])
    first, long, last = all_lines(path)
    assert (first, last) == (LINES[0], LINES[1])
    assert 64 * 1024 < len(long) <= files.LINE_CAP


def test_a_line_over_the_decoders_limit_is_passed_on_whole(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    long = b"y" * 100_000
    path.write_bytes(long + b"\n" + LINES[0])
    assert all_lines(path) == [long, LINES[0]]


def test_an_empty_file_holds_no_events(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.touch()
    assert all_lines(path) == []


def test_bytes_that_are_not_utf8_are_the_decoders_affair(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\xff\xfe\x00junk\n")
    assert all_lines(path) == [b"\xff\xfe\x00junk"]


@pytest.mark.parametrize("wrong", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(EventFileError, match="give a readable file or -"):
        all_lines(tmp_path / wrong)


PACKINGS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("kind", PACKINGS)
def test_a_compression_is_known_by_its_content_also_in_several_pieces(
    kind: str, tmp_path: Path
) -> None:
    pack = PACKINGS[kind]
    path = tmp_path / "events"
    path.write_bytes(pack(b"\n".join(LINES[:10]) + b"\n") + pack(b"\n".join(LINES[10:])))
    assert all_lines(path) == LINES


@pytest.mark.parametrize("kind", PACKINGS)
def test_standard_input_may_be_compressed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Stdin(PACKINGS[kind](b"\n".join(LINES))))
    assert all_lines("-") == LINES


@pytest.mark.parametrize("kind", PACKINGS)
def test_what_is_cut_short_is_an_error_and_never_half_a_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "events"
    content = b"\n".join(b'{"event_id":"%032x"}' % (number * 7919**9) for number in range(3000))
    path.write_bytes(PACKINGS[kind](content)[:-2000])
    with pytest.raises(EventFileError, match=r"damaged or cut short after \d+ lines .* -dc FILE"):
        all_lines(path)


def test_what_wants_too_much_memory_to_be_unpacked_is_refused_by_name(tmp_path: Path) -> None:
    xz = lzma.compress(
        b"x",
        filters=[
            {
                "id": lzma.FILTER_LZMA2,
                "dict_size": 1 << 30,
                "mode": lzma.MODE_FAST,
                "mf": lzma.MF_HC4,
            }
        ],
    )
    # A frame whose header asks for a window of 2 GiB, with one raw block of a byte.
    zstd = unpacking.ZSTD + bytes((0, 21 << 3)) + (1 << 3 | 1).to_bytes(3, "little") + b"x"
    for kind, content in (("xz", xz), ("zstd", zstd)):
        path = tmp_path / f"events.{kind}"
        path.write_bytes(content)
        with pytest.raises(
            EventFileError, match=rf"events\.{kind}: wants more than 128 MiB .*{kind} -dc"
        ):
            all_lines(path)


def test_a_chunk_ends_before_its_rows_where_they_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK_BYTES", 1000)
    path = tmp_path / "events.jsonl.gz"
    lines = [b"%0400d" % number for number in range(9)]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    monkeypatch.setattr(files, "BLOCK", 400)
    chunks = list(read_chunks(str(path), rows=1_000_000))
    assert [len(chunk) for chunk in chunks] == [3, 3, 3]
    assert [line for chunk in chunks for line in chunk] == lines


def test_progress_ends_at_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(LINES)))
    seen: list[tuple[int, int | None]] = []
    list(read_chunks(str(path), 5, lambda done, total: seen.append((done, total))))
    size = path.stat().st_size
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)


def test_a_parquet_row_becomes_compact_json_without_its_nulls(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    rows = [
        {"event_id": "e-1", "event_time": 1_777_026_031_000, "asn": None, "cost_usd": 0.5},
        {"event_id": "é", "event_time": 1, "asn": 64500, "cost_usd": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    first, second = all_lines(path)
    assert first == b'{"event_id":"e-1","event_time":1777026031000,"cost_usd":0.5}'
    assert orjson.loads(second) == {"event_id": "é", "event_time": 1, "asn": 64500}


def test_parquet_timestamps_become_milliseconds_as_the_contract_has_them(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    moment = datetime(2026, 4, 24, 10, 20, 31, 250_000, tzinfo=UTC)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC"), pa.timestamp("s", "UTC")):
        column = pa.array([moment], kind) if kind.unit != "s" else pa.array([1_777_026_031], kind)
        pq.write_table(pa.table({"event_time": column}), path)
        (line,) = all_lines(path)
        assert orjson.loads(line)["event_time"] // 1000 == 1_777_026_031


@pytest.mark.parametrize("kind", [pa.decimal128(10, 4), pa.decimal256(50, 9)])
def test_numbers_in_parquet_decimals_are_numbers(kind: pa.DataType, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    costs = pa.array([Decimal("0.5"), None], kind)
    times = pa.array([Decimal(START), Decimal(1)], pa.decimal128(20, 0))
    pq.write_table(pa.table({"cost_usd": costs, "event_time": times}), path)
    first, second = map(orjson.loads, all_lines(path))
    assert first == {"cost_usd": 0.5, "event_time": START}
    assert second == {"event_time": 1}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), "dictionary"])
def test_a_parquet_string_that_is_no_utf8_costs_its_row_alone(
    kind: pa.DataType | str, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    accounts = [b"a-1", b"\xff\xfe", 'é"'.encode()]
    raw = pa.array(accounts, pa.large_binary() if kind == pa.large_string() else pa.binary())
    if kind != pa.binary():
        text = pa.large_string() if kind == pa.large_string() else pa.string()
        raw = pa.Array.from_buffers(text, len(raw), raw.buffers())
    if kind == "dictionary":
        raw = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2], pa.int32()), raw)
    events = pa.Table.from_pylist([request(n, START) | {"lang": "é"} for n in range(3)])
    at = events.schema.get_field_index("account_id")
    pq.write_table(events.set_column(at, "account_id", raw), path)
    decoded = Decoder(KEY).decode(all_lines(path))
    assert [(r.row, r.reason) for r in decoded.rejected] == [(1, "not_utf8")]
    assert decoded.events["row"].tolist() == [0, 2]
    good = Decoder(KEY).decode(
        [orjson.dumps(request(n, START, a)) for n, a in ((0, "a-1"), (2, 'é"'))]
    )
    assert decoded.events["account"].tolist() == good.events["account"].tolist()


def test_a_damaged_parquet_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(files.PARQUET + b"junk" * 10)
    with pytest.raises(EventFileError, match=r"events\.parquet: not a parquet file"):
        all_lines(path)


def test_usage_that_is_null_in_a_parquet_file_stays_null_and_other_nulls_are_left_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.parquet"
    columns = {"event_id": ["a", "b"], "input_tokens": [None, 5], "output_tokens": [7, None]}
    pq.write_table(pa.table({**columns, "asn": pa.array([None, None], pa.int64())}), path)
    lines = [orjson.loads(line) for chunk in read_chunks(str(path)) for line in chunk]
    assert lines == [
        {"event_id": "a", "input_tokens": None, "output_tokens": 7},
        {"event_id": "b", "input_tokens": 5, "output_tokens": None},
    ]
