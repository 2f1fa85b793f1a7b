"""Pages of Parquet: any batches of them, those that are bombs, and damaged ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.records import parquet_pages
from streams.records.event_files import EventFileError, read_chunks
from tests.places import ROOT
from tests.stage_stories import START, request
from tests.streams.records.parquet_files import COUNT, events, rows_of


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
