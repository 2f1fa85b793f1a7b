"""What nobody of this pipeline wrote to an internal topic is refused by its place, with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors.errors import StateError
from detectors.exchange import hand_over, report
from detectors.exchange.hand_over import watermark_only
from detectors.exchange.report import Report
from streams.bulk.chunks import Chunk
from streams.stages.older import Readable

READERS: dict[str, Callable[[bytes], Any]] = {
    "hand-over": hand_over.decode,
    "report": report.decode,
}
GOOD = {
    "hand-over": next(iter(hand_over.encode(watermark_only(1, 9)))),
    "report": next(iter(report.encode(Report(1, 9)))),
}


def chunk(*values: bytes | None) -> Chunk:
    offsets = np.arange(41, 41 + len(values))
    return Chunk(
        "t", 3, list(values), [None] * len(values), offsets, offsets, 99, 41, 41 + len(values)
    )


def with_field(record: bytes, place: int, value: Any) -> bytes:
    fields = msgspec.msgpack.decode(record)
    fields[place] = value
    return msgspec.msgpack.encode(fields)


@pytest.mark.parametrize("what", READERS)
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda _: None, "a tombstone"),
        (lambda _: b"", "cannot be read"),
        (lambda _: b"rubbish", "cannot be read"),
        (lambda _: b"\xff\xfe", "cannot be read"),
        (lambda good: good[:-1], "cannot be read"),
        (lambda good: with_field(good, 0, 99), "of format 99"),
        (lambda good: with_field(good, 1, 7), "of a partition 7"),
        (lambda good: with_field(good, 1, -1), "of a partition -1"),
    ],
    ids=["tombstone", "empty", "rubbish", "bytes", "cut", "newer", "stranger", "nobody"],
)
def test_what_no_worker_wrote_is_refused_by_its_place(
    what: str, harm: Callable[[bytes], bytes | None], said: str
) -> None:
    good = GOOD[what]
    read = Readable("t", 3, 2).of(chunk(good, harm(good), good), READERS[what])
    assert next(read).tick == 9
    with pytest.raises(StateError, match=said) as refused:
        next(read)
    assert str(refused.value).startswith("t [3], offset 42: not a record of this pipeline")
    assert "delete the records before offset 43 (kafka-delete-records.sh)" in str(refused.value)


def test_a_hand_over_whose_columns_are_cut_is_refused_by_its_place() -> None:
    cut = with_field(GOOD["hand-over"], 5, b"abc")  # edges: no whole row
    with pytest.raises(StateError, match=r"t \[3\], offset 41: not a record of this pipeline"):
        list(Readable("t", 3, 2).of(chunk(cut), hand_over.decode))


@pytest.mark.parametrize("what", READERS)
def test_what_a_version_before_wrote_is_passed_over(what: str) -> None:
    older = with_field(GOOD[what], 0, 0)
    found = list(Readable("t", 3, 2).of(chunk(older, GOOD[what]), READERS[what]))
    assert [one.tick for one in found] == [9]
