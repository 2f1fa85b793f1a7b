"""Cutting fetched record batches into chunks, with aiokafka's own reader and no network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from detectors.errors import StateError
from streams.bulk.chunks import Chunk, Hollow, next_part, take_chunk

TP0 = TopicPartition("bulk", 0)
ABORT = b"\x00\x00\x00\x00"  # control record key: version 0, type 0
EVERYTHING = 1 << 30


@dataclass
class Position:
    """What aiokafka keeps of an assigned partition."""

    position: int = 0
    paused: bool = False
    highwater: int | None = 1000

    def consumed_to(self, position: int) -> None:
        self.position = position


@dataclass
class Assignment:
    active: bool = True
    state: Position = field(default_factory=Position)

    def state_value(self, _tp: Any) -> Position:
        return self.state


def batch(
    base: int,
    offsets: list[int],
    *,
    size: int = 1,
    producer: int = -1,
    control: bool = False,
) -> bytes:
    """Build a Kafka record batch as a broker returns it, holes included."""
    builder = DefaultRecordBatchBuilder(2, 0, int(producer >= 0), producer, 0, 0, 1 << 24)
    for offset in offsets:
        value = None if offset % 10 == 7 else b"%d" % offset * size
        key = ABORT if control else b"k%d" % offset
        builder.append(offset - base, 1_000_000 + offset, key, value, [])
    data = bytearray(builder.build())
    data[0:8] = base.to_bytes(8, "big")
    if control:
        data[21:23] = (int.from_bytes(data[21:23], "big") | 0x20).to_bytes(2, "big")
        data[17:21] = calc_crc32c(bytes(data[21:])).to_bytes(4, "big")
    return bytes(data)


def fetched(*batches: bytes, at: int = 0, aborted: tuple[tuple[int, int], ...] = ()) -> FetchResult:
    level = READ_COMMITTED if aborted else 0
    reader = PartitionRecords(
        TP0, MemoryRecords(b"".join(batches)), list(aborted), at, None, None, not aborted, level
    )
    assignment = Assignment()
    assignment.state.position = at
    return FetchResult(TP0, assignment=assignment, partition_records=reader, backoff=0)


def all_chunks(
    result: FetchResult,
    records: int = 100,
    size: int = EVERYTHING,
    hollow: Hollow | None = None,
) -> list[Chunk]:
    chunks = []
    hollow = hollow or Hollow()
    while result.has_more():
        chunk = take_chunk(result, records, size, hollow)
        if chunk is not None:
            chunks.append(chunk)
    return chunks


def test_a_chunk_holds_its_records_as_columns() -> None:
    result = fetched(batch(5, [5, 6, 7]), at=5)
    (chunk,) = all_chunks(result)
    assert chunk.values == [b"5", b"6", None]
    assert chunk.keys == [b"k5", b"k6", b"k7"]
    assert chunk.offsets.tolist() == [5, 6, 7]
    assert chunk.timestamps.tolist() == [1_000_005, 1_000_006, 1_000_007]
    assert chunk.offsets.dtype == chunk.timestamps.dtype == np.int64
    assert (chunk.first_offset, chunk.last_offset, len(chunk), chunk.lag) == (5, 7, 3, 992)


@pytest.mark.parametrize("cap", [1, 7, 64, 65, 200, 1000])
def test_chunks_are_capped_and_lose_nothing(cap: int) -> None:
    result = fetched(*(batch(base, [*range(base, base + 50)]) for base in range(0, 500, 50)))
    chunks = all_chunks(result, records=cap)
    assert [int(offset) for chunk in chunks for offset in chunk.offsets] == [*range(500)]
    assert max(map(len, chunks)) == min(cap, 500)
    assert result._assignment.state.position == 500


def test_a_chunk_ends_soon_after_its_bytes() -> None:
    result = fetched(batch(0, [*range(500)], size=1000))
    chunks = all_chunks(result, records=500, size=100_000)
    assert [len(chunk) for chunk in chunks[:2]] == [64, 64]
    assert sum(map(len, chunks)) == 500


def test_the_position_follows_each_chunk() -> None:
    result = fetched(batch(0, [*range(10)]))
    assert take_chunk(result, 4, EVERYTHING, Hollow()) is not None
    assert result._assignment.state.position == 4


def test_compacted_offsets_leave_holes_and_are_passed_over() -> None:
    result = fetched(batch(0, [0, 3, 9]), batch(40, [41, 49]))
    (chunk,) = all_chunks(result)
    assert chunk.offsets.tolist() == [0, 3, 9, 41, 49]
    assert result._assignment.state.position == 50


def test_records_before_the_position_are_left_out() -> None:
    (chunk,) = all_chunks(fetched(batch(0, [*range(10)]), at=6))
    assert chunk.first_offset == 6


def test_aborted_transactions_and_control_records_are_left_out() -> None:
    result = fetched(
        batch(0, [0, 1]),
        batch(2, [2, 3], producer=9),
        batch(4, [4], producer=9, control=True),
        batch(5, [5, 6], producer=9),
        aborted=((9, 2),),
    )
    (chunk,) = all_chunks(result)
    assert chunk.offsets.tolist() == [0, 1, 5, 6]


def test_a_fetch_of_nothing_visible_moves_the_position_and_gives_no_chunk() -> None:
    result = fetched(
        batch(0, [0, 1], producer=9), batch(2, [2], producer=9, control=True), aborted=((9, 0),)
    )
    assert all_chunks(result) == []
    assert result._assignment.state.position == 3


def test_a_stage_goes_on_after_a_marker_that_was_fetched_alone() -> None:
    hollow, taken, position, next_offset = Hollow(), [], 0, 0
    for one_fetch in (
        [batch(0, [0, 1], producer=9)],
        [batch(2, [2], producer=9, control=True)],
        [batch(3, [3], producer=9, control=True)],
        [batch(4, [4, 5], producer=9), batch(6, [6], producer=9, control=True)],
        [batch(7, [8])],
        [batch(9, [9], producer=9, control=True)],
    ):
        result = fetched(*one_fetch, at=position)
        for chunk in all_chunks(result, hollow=hollow):
            part = next_part(chunk, next_offset)
            assert part is not None
            taken += part.offsets.tolist()
            next_offset = part.ends
        position = result._assignment.state.position
    assert taken == [0, 1, 4, 5, 8]
    # The last marker is behind the stage's offset; what waits for the end of the topic may go on.
    assert (next_offset, hollow.behind(next_offset), position) == (9, 10, 10)
    assert hollow.behind(5) == 5


def test_records_that_nobody_delivered_stay_a_hole_that_ends_the_stage() -> None:
    hollow = Hollow()
    (chunk,) = all_chunks(fetched(batch(0, [0, 1])), hollow=hollow)
    assert all_chunks(fetched(batch(2, [2], producer=9, control=True), at=2), hollow=hollow) == []
    # Retention deleted 3 to 7: the client starts over at 8 by itself.
    (later,) = all_chunks(fetched(batch(8, [8]), at=8), hollow=hollow)
    assert later.begins == 8
    with pytest.raises(StateError, match="records 2 to 7 were never delivered"):
        next_part(later, chunk.ends)


def test_a_topic_that_ends_before_what_was_read_of_it_is_another_one() -> None:
    (chunk,) = all_chunks(fetched(batch(0, [0, 1])))
    there = chunk.high_water
    assert next_part(chunk, there) is None  # read already, and held by an agent meanwhile
    with pytest.raises(StateError, match=r"deleted and made anew.*state reset"):
        next_part(chunk, there + 1)


@pytest.mark.parametrize("change", ["lost", "paused", "moved"])
def test_a_partition_that_changed_hands_since_the_fetch_gives_nothing(change: str) -> None:
    result = fetched(batch(0, [0, 1]))
    result._assignment.active = change != "lost"
    result._assignment.state.paused = change == "paused"
    result._assignment.state.position = 1 if change == "moved" else 0
    assert take_chunk(result, 100, EVERYTHING, Hollow()) is None


def test_since_cuts_off_what_was_seen() -> None:
    (chunk,) = all_chunks(fetched(batch(0, [2, 3, 8, 9])))
    assert chunk.since(0) is chunk
    assert chunk.since(2) is chunk
    later = chunk.since(4)
    assert later is not None
    assert later.offsets.tolist() == [8, 9]
    assert later.values == [b"8", b"9"]
    assert chunk.since(10) is None
