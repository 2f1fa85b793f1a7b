"""One stage's state at the broker: read back when the stage comes, kept from time to time after.

What is kept is sealed only after all that the stage has said because of the input it covers is with
the broker; so a successor that goes on from it need not say it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from detectors.errors import StateError
from detectors.state.checkpoint import shapes_of
from detectors.state.page_log import Entry, PageLog
from streams.kafka.connection import client_options, explained
from streams.kafka.fencing import MadeAnewError, ShutOutError, new_writer
from streams.settings.settings import Settings
from streams.stage import Kept, Part
from streams.state import records
from streams.state.records import FORMAT, Fence, Seal
from streams.state.restore import Reading

FETCH_BYTES = 8 << 20


class Cut(NamedTuple):
    """A stage's state at one place of its input, ready to be sent."""

    entry: Entry
    packed: list[bytes]
    shapes: dict[str, str]
    rest: bytes
    next_offset: int
    around: bytes


Send = Callable[[bytes], Awaitable[Awaitable[Any]]]
# Records of the partition from an offset on.
Read = Callable[[int], AsyncGenerator[list[Any], None]]


class Changelog:
    """The log of one stage: `recover` once, then `cut` and `keep` in turn. `read` is for tests."""

    def __init__(
        self,
        settings: Settings,
        partition: int,
        origin: dict[str, str],
        read: Read | None = None,
        input_id: str = "",
    ) -> None:
        self.tp = TopicPartition(settings.state_topic, partition)
        self.bytes = 0  # of the records that hold the state, as this writer knows them
        self.shut_out = False  # another writer has taken over: what we add, all readers pass over
        self._read = read or (lambda begin: _read_partition(settings, self.tp, begin))
        self._open = False  # a cut has been made and not been kept
        self._end = 0  # where the next record goes if nobody else writes
        self._origin = origin
        self._input_id = input_id
        self._writer = new_writer()
        self._pages = PageLog()
        self._firsts: dict[int, tuple[int, int]] = {}  # entry -> its first offset, its bytes
        self.deletable = 0  # nothing before this offset is needed, not even by the seal before last

    @property
    def where(self) -> str:
        """The partition, for messages."""
        return f"{self.tp.topic} [{self.tp.partition}]"

    async def recover(self, part: Part, send: Send, progress: Callable[[int], None]) -> Kept | None:
        """Shut out whoever wrote before, then fill `part` with what is kept; None where nothing is.

        Raises StateError for state that is damaged, of another version or of another configuration.
        """
        fenced = await (await send(records.encode(Fence(FORMAT, self._writer))))
        self._end = fenced.offset + 1
        reading = Reading(part, self._origin, self.where)
        async with aclosing(self._read(0)) as fetched:
            async for some in fetched:
                for record in some:
                    if record.offset <= fenced.offset:
                        reading.take(record)
                progress(reading.bytes)
                if reading.fenced_by == self._writer:
                    break
        return self._take_over(part, reading)

    def _take_over(self, part: Part, reading: Reading) -> Kept | None:
        seal, kept = reading.seal, reading.kept
        if seal is None or kept is None:
            return None
        if reading.oldest > seal.since:
            raise StateError(
                f"{self.where}: entries {seal.since} to {reading.oldest - 1} of the kept state are "
                f"missing; {records.MEND}"
            )
        if self._pages.adopt(seal.number, seal.since, kept.tables()) != seal.digest:
            raise StateError(f"{self.where}: the kept state is damaged; {records.MEND}")
        with records.of_this_version(self.where):
            part.restore(kept, seal.rest)
        self._firsts = {n: at for n, at in reading.firsts.items() if n >= seal.since}
        self.bytes = sum(size for _, size in self._firsts.values())
        return Kept(seal.next_offset, seal.around, seal.input_id)

    def cut(self, part: Part, next_offset: int, around: bytes) -> Cut:
        """The state as it is now, as records; nothing may change it meanwhile."""
        if self._open:
            self._pages.restart()  # what came through of the last cut is not known: this one holds all
        self._open = True
        checkpoint = part.checkpoint()
        entry = self._pages.entry(checkpoint.tables)
        packed = list(records.packed(entry, checkpoint, self._writer))
        shapes = shapes_of(checkpoint.tables)
        return Cut(entry, packed, shapes, checkpoint.rest, next_offset, around)

    async def keep(self, cut: Cut, said: Sequence[Awaitable[Any]], send: Send) -> None:
        """Send a cut, wait until `said` is with the broker too, and seal it."""
        sent = [await send(record) for record in cut.packed]
        places = [await one for one in sent]
        entry = cut.entry
        if places:  # before it is sealed: what came to a topic made anew means nothing then
            self._refuse_made_anew(places[0].offset, self._end, entry)
        for one in said:
            # Whoever gives up waiting for it must not cancel what others wait for as well.
            await asyncio.shield(one)
        seal = Seal(
            format=FORMAT,
            writer=self._writer,
            number=entry.number,
            since=entry.since,
            records=len(cut.packed),
            next_offset=cut.next_offset,
            origin=self._origin,
            sizes=entry.sizes,
            shapes=cut.shapes,
            rest=cut.rest,
            around=cut.around,
            digest=entry.digest,
            at=time.time_ns() // 1_000_000,
            input_id=self._input_id,
        )
        sealed = await (await send(records.encode(seal)))
        place = sealed.offset
        first = places[0].offset if places else place
        # Made anew between its pages and its seal, not even an entry with all of the state is whole.
        self._refuse_made_anew(place, first)
        self._refuse_made_anew(first, self._end, entry)
        if place != self._end + len(places):  # not ours alone since the last seal
            place = await self._look_for_a_fence(seal)
        self._end = place + 1
        # A worker thought dead may have sealed once more: the one before it must stay whole.
        self.deletable = min((at for at, _ in self._firsts.values()), default=first)
        self._firsts[entry.number] = first, sum(map(len, cut.packed))
        self._firsts = {n: at for n, at in self._firsts.items() if n >= entry.since}
        self.bytes = sum(size for _, size in self._firsts.values())
        self._open = False

    def _refuse_made_anew(self, offset: int, before: int, whole: Entry | None = None) -> None:
        """Raise MadeAnewError where a record came before what was there, unless `whole` holds all."""
        if offset < before:
            self._end, self._firsts = 0, {}
            if whole is None or whole.since < whole.number:
                raise MadeAnewError(f"{self.where} was made anew: all of the state goes there next")

    async def _look_for_a_fence(self, seal: Seal) -> int:
        """Where `seal` lies. Raises ShutOutError where another writer shut this one out before it.

        Otherwise what lies between is ours: an entry that was given up, or records that came twice;
        or it is of one that we have shut out.
        """
        async with aclosing(self._read(self._end)) as fetched:
            expected: int | None = self._end
            async for some in fetched:
                for record in some:
                    found = records.decode(record.value, f"{self.where}, offset {record.offset}")
                    fenced = isinstance(found, Fence) and found.writer != self._writer
                    # Nobody but a successor deletes beyond what we have sealed.
                    if fenced or expected not in {None, record.offset}:
                        self.shut_out = True
                        raise ShutOutError(f"{self.where}: another worker keeps this state now")
                    expected = None
                    if found == seal:
                        return int(record.offset)
        raise StateError(f"{self.where}: the seal of entry {seal.number} is gone; {records.MEND}")


async def _read_partition(
    settings: Settings, tp: TopicPartition, begin: int
) -> AsyncGenerator[list[Any], None]:
    """The records of a partition from an offset on (or where records begin), for ever, as they come."""
    with explained(settings):
        consumer = AIOKafkaConsumer(
            **client_options(settings),
            enable_auto_commit=False,
            # Whoever wrote before may still delete what its last seals had replaced: read on from
            # where records begin then. The client's default would be their end, behind our fence.
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
        )
        await consumer.start()
        try:
            consumer.assign([tp])
            if begin:
                consumer.seek(tp, begin)
            else:
                await consumer.seek_to_beginning(tp)
            while True:
                fetched = await consumer.getmany(timeout_ms=500, max_records=200)
                yield [record for some in fetched.values() for record in some]
        finally:
            await consumer.stop()
