"""What is written down before it is used, in the marks topic, and whose writing counts.

That a partition is idle, where an account was erased, that requests which are gone are done without, from
which tick a control event holds: none of it follows from the requests, so whoever runs a partition next
takes it from here. A worker that was thought dead may still write. So who takes a partition over writes a
fence before it reads, what others write behind a fence counts for nobody, and nothing is used before its
writer knows that it counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Literal, Protocol, TypeGuard

import msgspec
import structlog

from detectors.errors import StateError
from streams.kafka.connection import BrokerError, patiently
from streams.kafka.fencing import new_writer
from streams.kafka.reader import read_all, reader
from streams.settings.settings import Settings

log = structlog.get_logger()

Role = Literal["accounts", "owner"]


class IdleMark(msgspec.Struct, frozen=True, tag="idle", omit_defaults=True):
    """After request `offset` of its partition, nothing before `watermark` (ms) is expected."""

    offset: int
    watermark: int
    writer: str = ""


class EraseRequest(msgspec.Struct, frozen=True, tag="forget", omit_defaults=True):
    """Somebody asks that an account be erased; `account` is its keyed fingerprint.

    It is asked of all partitions; `home` is the one where the account belongs.
    """

    id: str
    account: int
    home: bool = True


class Erased(msgspec.Struct, frozen=True, tag="forgotten", omit_defaults=True):
    """The account of request `id` is erased after request event `offset` of this partition.

    `found`: whether it was there; `home`: whether it belongs there, so that other stages are told anyhow.
    """

    id: str
    account: int
    offset: int
    writer: str = ""
    home: bool = True
    found: bool = True


class Lost(msgspec.Struct, frozen=True, tag="lost", omit_defaults=True):
    """Requests behind `offset`, up to `end` without it, were deleted unread: the stage goes on at `end`."""

    offset: int
    end: int
    writer: str = ""


class ControlMark(msgspec.Struct, frozen=True, tag="control", omit_defaults=True):
    """A control event, as first read, takes effect at `tick`."""

    control_id: str
    revision: int
    tick: int
    writer: str = ""


class Saying(msgspec.Struct, frozen=True, tag="saying", omit_defaults=True):
    """Alerts of ticks up to `tick` are about to be said: by a worker that still owns the campaigns."""

    tick: int
    writer: str = ""


class Fence(msgspec.Struct, frozen=True, tag="fence"):
    """From here on `writer` runs the stage of this partition that has `role`."""

    role: Role
    writer: str


Written = IdleMark | Erased | Lost | ControlMark | Saying  # by a stage; anybody may ask to forget
AnyMark = Written | EraseRequest | Fence
ROLES: dict[type, Role] = {
    IdleMark: "accounts",
    Erased: "accounts",
    Lost: "accounts",
    ControlMark: "owner",
    Saying: "owner",
}
encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(AnyMark)
MEND = (
    "run the version that wrote it; or stop all workers, delete the topic, and make it anew with "
    "`hydrawatch topics create`: what was written down since state was last kept is gone then"
)


def decode(value: bytes | None, where: str) -> AnyMark:
    """A record of the marks topic. Raises StateError for what another version wrote.

    It is not passed over: whoever goes on without it may decide otherwise than its writer did.
    """
    try:
        return _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StateError(f"{where}: not a mark that this version reads: {error}; {MEND}") from error


def mark_of(record: Any) -> AnyMark:
    """The mark of a consumer's record. Raises StateError for what another version wrote."""
    return decode(record.value, f"{record.topic} [{record.partition}], offset {record.offset}")


class Accepted:
    """Which marks of one partition count, seen in their order.

    What was written before any fence counts: there was none in the first versions.
    """

    def __init__(self) -> None:
        self._writers: dict[str, str] = {}

    def take(self, mark: AnyMark) -> TypeGuard[Written | EraseRequest]:
        """Whether the next mark counts."""
        if isinstance(mark, Fence):
            self._writers[mark.role] = mark.writer
            return False
        if isinstance(mark, EraseRequest):
            return True
        return self._writers.get(ROLES[type(mark)], mark.writer) == mark.writer


class Durable(Protocol):
    """Writes to the marks topic."""

    async def mark(self, partition: int, record: bytes) -> int:
        """Write a record; its offset, when it is durable."""
        ...


class DecisionLog:
    """The marks of one stage: `take_over` before anything else, then `write`."""

    def __init__(self, settings: Settings, role: Role, partition: int, sink: Durable) -> None:
        self.shut_out = False
        self._settings = settings
        self._role = role
        self._partition = partition
        self._sink = sink
        self._writer = new_writer()
        self._end = 0  # where the next record goes if nobody else writes

    async def take_over(self) -> list[Written | EraseRequest]:
        """Shut out whoever wrote before; what counts of all that was written down, in order."""
        fence = Fence(self._role, self._writer)
        place = await self._sink.mark(self._partition, encode(fence))
        self._end = place + 1
        return await _counting(self._between(0, place))

    async def write(self, mark: Written) -> bool:
        """Write something down; whether it counts, so that it may be used."""
        mine = msgspec.structs.replace(mark, writer=self._writer)
        place = await self._sink.mark(self._partition, encode(mine))
        # Before the end that we know of: the topic was made anew, and somebody may have come since.
        first = self._end if place >= self._end else 0
        others = await patiently(
            lambda: self._fenced_by_others(first, place - 1), "read what others wrote down"
        )
        self.shut_out = self.shut_out or others
        self._end = place + 1
        if self.shut_out:
            log.warning(
                "another worker has taken over", stage=self._role, partition=self._partition
            )
        return not self.shut_out

    async def _fenced_by_others(self, first: int, last: int) -> bool:
        async with aclosing(self._between(first, last)) as records:
            found = [mark_of(record) async for record in records]
        fences = [one for one in found if isinstance(one, Fence) and one.role == self._role]
        return any(fence.writer != self._writer for fence in fences)

    async def _between(self, first: int, last: int) -> AsyncGenerator[Any, None]:
        """The records from one offset to another, both included; none where there are none."""
        if first > last:
            return
        topic = self._settings.marks_topic
        async with reader(self._settings, topic, [self._partition], begin=first) as consumer:
            (tp,) = consumer.assignment()
            while await consumer.position(tp) <= last:
                fetched = await consumer.getmany(timeout_ms=500, max_records=5000)
                for record in fetched.get(tp, ()):
                    if record.offset <= last:
                        yield record
                high = consumer.highwater(tp)
                if high is not None and high <= last:
                    raise BrokerError(
                        f"{topic} [{self._partition}] ends before what was written there"
                    )


async def read_marks(settings: Settings, partition: int) -> list[Written | EraseRequest]:
    """What counts of all that was written down for one partition, in order."""
    return await _counting(read_all(settings, settings.marks_topic, [partition]))


async def read_all_marks(settings: Settings) -> dict[int, list[Written | EraseRequest]]:
    """What counts of all that was written down, in order, by partition."""
    accepted: dict[int, Accepted] = defaultdict(Accepted)
    found: dict[int, list[Written | EraseRequest]] = defaultdict(list)
    async for record in read_all(settings, settings.marks_topic, None):
        mark = mark_of(record)
        if accepted[record.partition].take(mark):
            found[record.partition].append(mark)
    return found


async def _counting(records: AsyncIterator[Any]) -> list[Written | EraseRequest]:
    accepted = Accepted()
    marks = [mark_of(record) async for record in records]
    return [mark for mark in marks if accepted.take(mark) and not isinstance(mark, Fence)]
