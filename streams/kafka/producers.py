"""Producers: a worker's, for what must not be lost, come twice or change places; a command's, for a block.

aiokafka by itself gives a record up 40 s after it was queued, and lets later ones pass: a hole that
its readers could not tell from a quiet tick. A worker's records wait, in order, until the broker has them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import IncompatibleBrokerVersion, UnknownError

from streams.kafka.connection import client_options, explained
from streams.settings.settings import Settings

log = structlog.get_logger()

FLUSH_S = 10.0  # at a stop: what is still under way then is said again by the next worker
CLOSE_S = 5.0
ATTEMPTS, PAUSE_S = 3, 0.2
NO_PRODUCER_IDS = (UnknownError, IncompatibleBrokerVersion)


class Producer(AIOKafkaProducer):
    """aiokafka's, which keeps the leaders of all topics that it was given records for.

    By itself it asks for those topics alone that it had to wait for once. The others it forgets as
    soon as one is missing, and what it holds for them then waits for ever.
    """

    async def send(self, topic: str, *args: Any, **options: Any) -> asyncio.Future[Any]:
        """Queue a record; gives its delivery."""
        self.client.add_topic(topic)
        sent: asyncio.Future[Any] = await super().send(topic, *args, **options)
        return sent


@contextlib.asynccontextmanager
async def brief_producer(settings: Settings, **options: Any) -> AsyncIterator[Any]:
    """A producer for the length of a block, as a command needs it: what a broker does not take fails.

    Raises BrokerError for that too, whatever in the block meets it.
    """
    with explained(settings):
        producer = Producer(**client_options(settings), acks="all", **options)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


async def lasting_producer(settings: Settings, *, numbered: bool = True, **options: Any) -> Any:
    """A connected aiokafka producer that never gives a record up by itself.

    `numbered` asks for the broker's guarantee that a record sent again after a lost answer is there
    once; where a broker has no producer ids (the embedded one) it goes without. It must be off where
    a refused record is followed by another one, as the refused one leaves a gap in the numbers.
    """
    common = {**client_options(settings), "acks": "all", **options}
    producer = None
    for attempt in range(ATTEMPTS if numbered else 0):  # a broker that has them may falter once
        try:
            producer = await _numbered(common)
            break
        except NO_PRODUCER_IDS as error:
            if attempt + 1 == ATTEMPTS:
                log.info("the broker gives no producer ids", reason=repr(error))
            else:
                await asyncio.sleep(PAUSE_S)
    if producer is None:
        producer = Producer(**common)
        await producer.start()
    # The time to live of a batch has no setting of its own: it is the time-out of a request, which
    # must stay short enough to notice a connection that hangs.
    producer._message_accumulator._batch_ttl = math.inf
    return producer


async def _numbered(options: dict[str, Any]) -> Any:
    producer = Producer(**options, enable_idempotence=True)
    try:
        with _quiet("aiokafka.producer.sender"):  # it calls that an error, and raises it anyway
            await producer.start()
    except NO_PRODUCER_IDS:
        await producer.stop()
        raise
    return producer


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


async def end(producer: Any) -> None:
    """Send what is queued, but do not wait for a broker that is away; disconnect."""
    try:
        async with asyncio.timeout(FLUSH_S):
            await producer.stop()
    except TimeoutError:
        log.warning("not all records were delivered; the next worker says them again")
        # What `stop` does once all is flushed, which now will not be.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await producer._sender.close()
        await producer.client.close()
