"""Requests to erase an account: written to the marks topic, found there by whoever runs its partition.

A request names the account by its keyed fingerprint. It is made of every partition, for not all
producers put an account where Kafka's default partitioner would. The worker that runs a partition decides
at which place of the requests it takes effect and writes that down (`Erased`), with whether the account
was there, before it erases: whoever reads the partition again erases at the same place.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import structlog
from faust.types import TP

from detectors.kernels.partitioner import partition_of
from detectors.kernels.siphash import fingerprint
from streams.decisions.log import Accepted, Erased, EraseRequest, encode, mark_of, read_all_marks
from streams.kafka.connection import BrokerError
from streams.kafka.producers import brief_producer
from streams.kafka.reader import reader
from streams.settings.settings import Settings
from streams.stages.accounts import AccountStage
from streams.stages.intake import Intake
from streams.topics.status import partition_count

POLL_S = 0.5
RETRY_S = 5.0

log = structlog.get_logger()


class Asked(NamedTuple):
    """A request that was written down: its id, where the account belongs, and of how many partitions."""

    id: str
    home: int
    partitions: int


class Answer(NamedTuple):
    """What became of a request: account partitions that had the account, had it not, or said nothing."""

    found: list[int]
    empty: list[int]
    silent: list[int]


class Erasures:
    """Requests that wait, by partition, as far as the marks topic was read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: dict[int, dict[str, EraseRequest]] = defaultdict(dict)

    def waiting(self, partition: int) -> list[EraseRequest]:
        """Requests for a partition that nobody has answered, as far as is known."""
        return list(self._waiting[partition].values())

    def answered(self, partition: int, request: str) -> None:
        """A request has been answered."""
        self._waiting[partition].pop(request, None)

    async def follow(self) -> None:
        """Read the marks topic, for ever; from its beginning again after trouble with the broker.

        Raises StateError for what another version wrote.
        """
        while True:
            try:
                await self._read()
            except BrokerError as error:
                log.warning("requests to forget accounts are not read", reason=str(error))
                await asyncio.sleep(RETRY_S)

    async def carry_out(self, accounts: Mapping[TP, AccountStage], intake: Intake) -> None:
        """Erase, for ever, what is waiting, between two records of its partition."""
        while True:
            await asyncio.sleep(POLL_S)
            for tp, stage in list(accounts.items()):
                if stage.shut_out:
                    continue
                for request in self.waiting(tp.partition):
                    await intake.take(tp, stage, partial(stage.erase, request))
                    if stage.has_answered(request):
                        self.answered(tp.partition, request.id)

    async def _read(self) -> None:
        async with reader(self._settings, self._settings.marks_topic, None) as consumer:
            accepted: dict[int, Accepted] = defaultdict(Accepted)
            while True:
                fetched = await consumer.getmany(timeout_ms=500)
                for record in (r for records in fetched.values() for r in records):
                    mark = mark_of(record)
                    if not accepted[record.partition].take(mark):
                        continue
                    if isinstance(mark, EraseRequest):
                        self._waiting[record.partition][mark.id] = mark
                    elif isinstance(mark, Erased):
                        self.answered(record.partition, mark.id)


async def ask(settings: Settings, account: str) -> Asked:
    """Write down, for each partition, that an account is to be erased. Raises ConfigError, BrokerError."""
    raw = account.encode()
    partitions = await asyncio.to_thread(partition_count, settings, settings.marks_topic)
    asked = Asked(uuid.uuid4().hex, partition_of(raw, partitions), partitions)
    fp = fingerprint(raw, settings.hash_key_bytes())
    async with brief_producer(settings) as producer:
        sent = [
            await producer.send(
                settings.marks_topic,
                encode(EraseRequest(asked.id, fp, home=partition == asked.home)),
                partition=partition,
            )
            for partition in range(partitions)
        ]
        await asyncio.gather(*sent)
    return asked


async def answered(settings: Settings, asked: Asked, patience_s: float) -> Answer:
    """What workers have answered, after waiting up to `patience_s` for all partitions.

    Raises BrokerError, and StateError for what another version wrote.
    """
    until = time.monotonic() + patience_s
    while True:
        said = {
            partition: mark.found
            for partition, marks in (await read_all_marks(settings)).items()
            for mark in marks
            if isinstance(mark, Erased) and mark.id == asked.id
        }
        silent = [p for p in range(asked.partitions) if p not in said]
        if not silent or time.monotonic() >= until:
            found = sorted(p for p, there in said.items() if there)
            return Answer(found, sorted(said.keys() - set(found)), silent)
        await asyncio.sleep(POLL_S)
