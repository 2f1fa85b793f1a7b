"""Turning fetched Kafka records into chunks: a run of one partition's records as columns.

aiokafka makes a `ConsumerRecord` of every record; the bulk path needs values, keys, timestamps
and offsets only. `take_chunk` therefore walks the record batches that aiokafka has fetched
itself, and leaves what it knows about batches (checksums, control batches, aborted
transactions, compacted offsets) to aiokafka's own reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.errors import StateError

STEP = 64  # records between two looks at the byte cap
_TIMESTAMP = attrgetter("timestamp")
_OFFSET = attrgetter("offset")


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive records of one partition, in offset order; empty only where records are gone.

    `values[i]`, `keys[i]`, `timestamps[i]` (ms since the epoch, as the producer or the broker
    set it) and `offsets[i]` belong together: two lists and two int64 arrays of shape (n,). Offsets
    rise but may have holes. `high_water` is
    the end of the partition as the broker last told it: the offset its next record will get.
    `begins` is where reading stood after the chunk before, `ends` where it stands after this one:
    holes lie within, so a chunk that does not begin where the one before it ended says that one
    was lost. `lost` is how many offsets up to `ends` the broker has deleted before anybody read them:
    a chunk that tells of that holds no records.
    """

    topic: str
    partition: int
    values: list[bytes | None]
    keys: list[bytes | None]
    timestamps: NDArray[np.int64]
    offsets: NDArray[np.int64]
    high_water: int
    begins: int
    ends: int
    lost: int = 0

    def __len__(self) -> int:
        return len(self.values)

    @property
    def first_offset(self) -> int:
        """Offset of the first record; where there are none, of the first that is gone."""
        return int(self.offsets[0]) if self.values else self.ends - self.lost

    @property
    def last_offset(self) -> int:
        """Offset of the last record; where there are none, of the last that is gone."""
        return int(self.offsets[-1]) if self.values else self.ends - 1

    @property
    def lag(self) -> int:
        """How many offsets of the partition lie behind this chunk."""
        return max(0, self.high_water - self.last_offset - 1)

    def since(self, offset: int) -> Chunk | None:
        """Return the records at or after `offset`: the chunk itself, a part, or None.

        This is how state that knows its next offset drops what it has already seen.
        """
        if not self.values:
            return None
        if offset <= self.first_offset:
            return self
        cut = int(np.searchsorted(self.offsets, offset))
        if cut == len(self.values):
            return None
        return Chunk(
            self.topic,
            self.partition,
            self.values[cut:],
            self.keys[cut:],
            self.timestamps[cut:],
            self.offsets[cut:],
            self.high_water,
            offset,
            self.ends,
        )


def next_part(chunk: Chunk, next_offset: int) -> Chunk | None:
    """What records of a chunk are new to a stage that has taken everything before `next_offset`.

    Raises StateError where records in between never came: to go on would leave a hole for good.
    """
    if chunk.high_water < next_offset:
        raise StateError(
            f"{chunk.topic} [{chunk.partition}] ends at {chunk.high_water}, and {next_offset} records "
            "of it were read: it was deleted and made anew, or its brokers lost its end. Stop all "
            "workers and begin anew, see `hydrawatch state reset --help`"
        )
    if 0 < next_offset < chunk.begins:
        raise StateError(
            f"{chunk.topic} [{chunk.partition}]: records {next_offset} to {chunk.begins - 1} were "
            "never delivered, though the broker did not say that it deleted them: the transport lost "
            "them. Start the worker again, which reads them from there; if it says the same again, "
            "begin anew, see `hydrawatch state reset --help`"
        )
    return chunk.since(next_offset)


def deleted(
    topic: str, partition: int, begins: int, first: int, ends: int, high_water: int
) -> Chunk:
    """What tells a stage that records from `first` up to `ends` are gone; it has read up to `begins`."""
    none = np.zeros(0, np.int64)
    return Chunk(topic, partition, [], [], none, none, high_water, begins, ends, ends - first)


def split_at(chunk: Chunk, offset: int | None) -> tuple[Chunk, Chunk | None]:
    """The records before `offset`, and the rest; all of them where there is none to split at."""
    if offset is None or offset > chunk.last_offset:
        return chunk, None
    rest = chunk.since(offset)
    cut = int(np.searchsorted(chunk.offsets, offset))
    first = Chunk(
        chunk.topic,
        chunk.partition,
        chunk.values[:cut],
        chunk.keys[:cut],
        chunk.timestamps[:cut],
        chunk.offsets[:cut],
        chunk.high_water,
        chunk.begins,
        offset,
    )
    return first, rest


class Hollow:
    """Offsets that were read last and held no visible record; the next chunk covers them too.

    A transaction's marker may come in a fetch of its own. What moves the position otherwise (the
    client starts over where retention has deleted) is no reading, and must stay a hole to see.
    """

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at = -1, -1  # both at once: other threads look

    def before(self, position: int) -> int:
        """Where a chunk begins that is read from `position` on."""
        begins, ends = self._at
        return begins if position == ends else position

    def behind(self, offset: int) -> int:
        """Where reading stands for who has taken everything before `offset`."""
        begins, ends = self._at
        return ends if offset == begins else offset

    def read(self, position: int, ends: int) -> None:
        """Nothing was visible from `position` to `ends`."""
        self._at = self.before(position), ends


def take_chunk(fetched: Any, max_records: int, max_bytes: int, hollow: Hollow) -> Chunk | None:
    """Take the next chunk out of an aiokafka `FetchResult` and move its position behind it.

    None when the partition was lost, paused or moved since the fetch, or when the rest holds no
    visible record: its position moves on all the same, and `hollow` (one for each stretch of
    reading) keeps where from. A chunk holds `max_records` at most, and ends within a few records
    (`STEP`) of having `max_bytes` of values.
    """
    tp = fetched._topic_partition
    if not fetched.check_assignment(tp) or not fetched.has_more():
        return None
    reader = fetched._partition_records
    # aiokafka's reader keeps checksums, control batches, aborted transactions and compacted
    # offsets right; only what it makes of a record is replaced: nothing, at half the time.
    reader._consumer_record = _as_it_is
    position = fetched._assignment.state_value(tp).position
    records: list[Any] = []
    values: list[bytes | None] = []
    size = 0
    exhausted = False
    while not exhausted and len(records) < max_records and size < max_bytes:
        want = min(STEP, max_records - len(records))
        step = list(islice(reader, want))
        exhausted = len(step) < want
        some = [record.value for record in step]
        size += sum(map(len, filter(None, some)))
        records += step
        values += some
    fetched._update_position()
    if exhausted:
        fetched._partition_records = None
    ends = fetched._assignment.state_value(tp).position
    if not records:
        hollow.read(position, ends)
        return None
    count = len(records)
    return Chunk(
        tp.topic,
        tp.partition,
        values,
        [record.key for record in records],
        np.fromiter(map(_TIMESTAMP, records), np.int64, count),
        np.fromiter(map(_OFFSET, records), np.int64, count),
        fetched._assignment.state_value(tp).highwater or 0,
        hollow.before(position),
        ends,
    )


def _as_it_is(_tp: Any, record: Any) -> Any:
    return record
