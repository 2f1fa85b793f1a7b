"""What the state topic holds of every stage, as a person sees it; and how all of it is reset.

Reading takes no part in the log: nothing is fenced and no worker is disturbed. A reset does, so
it is refused while the consumer group has members.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    UnsupportedVersionError,
    for_code,
)

from detectors.config import Loaded
from detectors.errors import ConfigError, StateError
from streams.bulk.gone import Gone
from streams.kafka.connection import BrokerError, client_options, explained
from streams.kafka.reader import read_all
from streams.settings.settings import Settings
from streams.state import records
from streams.state.placement import origin, stage_at
from streams.topics.admin import committed_offsets, connected, descriptions, log_starts
from streams.topics.create import make_anew
from streams.topics.identity import InputIdentities, input_of, inputs
from streams.topics.status import partition_count, wrong_count

HIGH_WATERMARK = -1  # in a DeleteRecords request: all that there is
NO_SUCH_API = (IncompatibleBrokerVersion, UnsupportedVersionError, KafkaConnectionError)
EMPTY = frozenset({"Empty", "Dead", ""})

Emptied = Literal["records deleted", "topic created anew"]


class KeptStage(msgspec.Struct, frozen=True):
    """The last seal of one stage. `kept_at` (ms since epoch) is None where nothing is kept.

    `next_offset` is where the stage goes on in its input topic, `entries` and `bytes` are what a
    successor would read, `state_bytes` is what that fills. `problem` says why it could not be used.
    `lost` is how many records of the input from `next_offset` on the broker has deleted since.
    """

    stage: str
    partition: int
    kept_at: int | None = None
    next_offset: int = 0
    entries: int = 0
    bytes: int = 0
    state_bytes: int = 0
    origin: dict[str, str] = {}
    problem: str = ""
    lost: int = 0

    def gone(self, settings: Settings) -> Gone | None:
        """What a successor would have to do without."""
        if not self.lost or self.problem:
            return None
        first = self.next_offset
        return Gone(input_of(settings, self.stage), self.partition, first, first + self.lost)


async def look(
    settings: Settings, loaded: Loaded, progress: Callable[[int], None] = lambda _: None
) -> list[KeptStage]:
    """What is kept of every stage, accounts first; `progress` gets the bytes read so far.

    Raises ConfigError if there is no state topic, BrokerError if the broker does not answer.
    """
    count = await asyncio.to_thread(partition_count, settings, settings.state_topic)
    if count % 2 == 0:
        raise ConfigError(wrong_count(settings, "state_topic", count))
    logs = [_Log() for _ in range(count)]
    size = 0
    async for record in read_all(settings, settings.state_topic, list(range(count))):
        logs[record.partition].take(record)
        size += len(record.value or b"")
        progress(size)
    mine, identities = origin(settings, loaded), InputIdentities(settings)
    await identities.look()
    starts = await asyncio.to_thread(_input_starts, settings)
    kept = []
    for place, log in enumerate(logs):
        stage, partition = stage_at(place, count)
        topic = input_of(settings, stage)
        if identities.replaced(topic, log.input_id):
            log.problem = log.problem or f"topic {topic} was made anew since"
        one = log.kept(stage, partition, mine)
        lost = max(0, starts.get((topic, partition), 0) - one.next_offset) if one.next_offset else 0
        kept.append(msgspec.structs.replace(one, lost=lost))
    return kept


async def losses_ahead(settings: Settings, loaded: Loaded) -> list[Gone]:
    """What of the inputs is gone that no stage has read, as a worker would find it at its start.

    The kept state is read only where what the group has committed leaves that open.
    """
    starts = await asyncio.to_thread(_input_starts, settings)
    committed = await asyncio.to_thread(_committed, settings)
    if all(at <= committed.get(place, -1) for place, at in starts.items() if at):
        return []
    return [gone for one in await look(settings, loaded) if (gone := one.gone(settings))]


def _input_starts(settings: Settings) -> dict[tuple[str, int], int]:
    """Where the records of the inputs begin, by topic and partition."""
    with connected(settings) as admin:
        described = descriptions(admin, list(inputs(settings)))
        counts = {name: len(topic["partitions"]) for name, topic in described.items()}
        return log_starts(admin, counts)


def _committed(settings: Settings) -> dict[tuple[str, int], int]:
    """What the group has committed, by topic and partition; nothing where we may not know."""
    with connected(settings) as admin:
        return committed_offsets(admin, settings.group)


async def reset(settings: Settings) -> Emptied:
    """Forget all that is kept; says how.

    Raises BrokerError where workers are running, or the broker refuses.
    """
    topic = settings.state_topic
    count = await asyncio.to_thread(partition_count, settings, topic)
    with explained(settings):
        members = await _members(settings)
        if members:
            raise BrokerError(
                f"group {settings.group} has {members} live members, whose next snapshot would bring "
                "the state back; stop the workers first (a killed one counts until its session ends)"
            )
        try:
            async with _Admin(settings) as admin:
                await admin.delete_records(
                    {
                        TopicPartition(topic, p): RecordsToDelete(HIGH_WATERMARK)
                        for p in range(count)
                    }
                )
        except NO_SUCH_API:
            # A broker that does not know the request may just hang up. If it is the network, then
            # the next connection fails, before anything is deleted.
            await asyncio.to_thread(make_anew, settings, topic)
            return "topic created anew"
    return "records deleted"


async def _members(settings: Settings) -> int:
    async with _Admin(settings) as admin:
        (response,) = await admin.describe_consumer_groups([settings.group])
        (group,) = response.groups
    error, _, state, *_, members = group[:6]
    if error:
        raise for_code(error)
    return 0 if state in EMPTY else len(members)


class _Admin:
    """An admin client for the length of a block."""

    def __init__(self, settings: Settings) -> None:
        self._admin = AIOKafkaAdminClient(**client_options(settings))

    async def __aenter__(self) -> Any:
        await self._admin.start()
        return self._admin

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()


class _Log:
    """One partition of the state topic, as far as it was read."""

    def __init__(self) -> None:
        self._writer = ""
        self._open: dict[int, int] = {}  # entry -> bytes, while it has no seal
        self._sealed: dict[int, int] = {}
        self._seal: records.Seal | None = None
        self.problem = ""

    @property
    def input_id(self) -> str:
        """Of the topic that the offset counts in, as far as it is known."""
        return self._seal.input_id if self._seal else ""

    def take(self, record: Any) -> None:
        """One record, in order. The first that no worker could read is the problem."""
        value = record.value
        try:
            found = records.decode(
                value, f"{record.topic} [{record.partition}], offset {record.offset}"
            )
        except StateError as error:
            self.problem = self.problem or str(error)
            return
        self._writer = self._writer or found.writer
        if isinstance(found, records.Fence):
            self._writer, self._open = found.writer, {}
        elif found.writer != self._writer:
            return  # of a worker that was shut out
        elif isinstance(found, records.Pages):
            self._open[found.number] = self._open.get(found.number, 0) + len(value)
        else:
            self._sealed[found.number] = self._open.pop(found.number, 0) + len(value)
            self._seal = found

    def kept(self, stage: str, partition: int, mine: dict[str, str]) -> KeptStage:
        """What it comes to, compared with what this configuration could use."""
        seal = self._seal
        if seal is None:
            return KeptStage(stage, partition, problem=self.problem)
        needed = [size for number, size in self._sealed.items() if number >= seal.since]
        unlike = [
            n for n in sorted(mine.keys() | seal.origin.keys()) if mine.get(n) != seal.origin.get(n)
        ]
        problem = self.problem
        if unlike and not problem:
            problem = f"kept with another {', '.join(unlike)}"
        return KeptStage(
            stage=stage,
            partition=partition,
            kept_at=seal.at,
            next_offset=seal.next_offset,
            entries=len(needed),
            bytes=sum(needed),
            state_bytes=sum(seal.sizes.values()),
            origin=seal.origin,
            problem=problem,
        )
