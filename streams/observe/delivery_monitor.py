"""Sees writes that the brokers do not take: to which topic, for how long.

Too few replicas in sync, a full disk, a partition without a leader, a broker that hangs: the records
wait in the producer, and so, when that is full, does whoever writes.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError

from streams.observe.deafness import Wait
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics

log = structlog.get_logger()


class DeliveryMonitor:
    """Records under way, by topic, oldest first. `late_s`: see HYDRAWATCH_STALL_S."""

    def __init__(
        self, metrics: Metrics, late_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._late_s = late_s
        self._clock = clock
        self._since: dict[str, dict[asyncio.Future[None], float]] = defaultdict(dict)
        self._late: set[str] = set()
        self._over: dict[str, int] = defaultdict(int)  # deliveries, by topic

    async def track(
        self, topic: str, send: Callable[[], Awaitable[asyncio.Future[Any]]]
    ) -> asyncio.Future[Any]:
        """Queue a record, waiting for room and for a missing topic; gives its delivery."""
        record: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._since[topic]
        waiting[record] = self._clock()
        try:
            while True:
                try:
                    delivery = await send()
                    break
                except (KafkaTimeoutError, UnknownTopicOrPartitionError) as error:
                    # Nothing was queued. To give up would end the worker, and mend nothing.
                    log.warning("waiting to write", topic=topic, reason=repr(error))
        except BaseException:
            del waiting[record]
            record.set_result(None)
            raise

        def over(done: asyncio.Future[Any]) -> None:
            del waiting[record]
            self._over[topic] += 1
            record.set_result(None)
            if not done.cancelled():
                done.exception()  # whoever waits for it raises it; at a stop nobody does

        delivery.add_done_callback(over)
        return delivery

    async def settled(self, topic: str) -> None:
        """Wait until what is under way to a topic at the moment has been delivered, or refused."""
        if waiting := list(self._since[topic]):
            await asyncio.wait(waiting)

    def waits(self) -> dict[str, Wait]:
        """How many records each topic has taken, and whether more are under way."""
        return {topic: Wait(self._over[topic], bool(some)) for topic, some in self._since.items()}

    def age_s(self, topic: str) -> float:
        """How long the oldest record for a topic has been under way; 0 where none is."""
        oldest = next(iter(self._since[topic].values()), None)
        return 0.0 if oldest is None else self._clock() - oldest

    def look(self, readiness: Readiness) -> None:
        """Show how old the oldest is, and be not ready where one is late."""
        ages = {topic: self.age_s(topic) for topic in sorted(self._since)}
        for topic, age in ages.items():
            self._metrics.undelivered.labels(topic).set(age)
        late = {topic: age for topic, age in ages.items() if age > self._late_s}
        for topic in sorted(late.keys() ^ self._late):
            say = log.warning if topic in late else log.info
            say("writes are not taken" if topic in late else "writes are taken again", topic=topic)
        self._late = set(late)
        if late:
            said = (f"{topic} has taken no write for {age:.0f} s" for topic, age in late.items())
            readiness.wait_for(
                "delivery",
                "; ".join(said) + ": look at its leaders, at min.insync.replicas, at the disks",
            )
        else:
            readiness.done("delivery")
