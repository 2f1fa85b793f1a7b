"""Has the broker delete kept state that no reader needs any more; without, its topic only grows.

Never worth a stop: what fails is asked for again, ever less often. Only where the broker does not
know the request, or the worker has no right to it, nothing is asked until the next start.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IncompatibleBrokerVersion,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedVersionError,
)

from streams.kafka.connection import client_options
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings

log = structlog.get_logger()

FIRST_PAUSE_S, LAST_PAUSE_S = 5.0, 3600.0
FINAL = (
    ClusterAuthorizationFailedError,
    TopicAuthorizationFailedError,
    IncompatibleBrokerVersion,
    UnsupportedVersionError,
)
# Others can still be asked for.
OF_ONE_PARTITION = (
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)


class Trim:
    """The requests of one worker to delete records. `connect` gives an admin client."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        connect: Callable[[Settings], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._connect = connect or _client
        self._clock = clock
        self._client: Any = None
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._wanted: dict[TopicPartition, int] = {}

    async def before(self, tp: TopicPartition, offset: int) -> None:
        """Delete the records of a partition before `offset`; later, if it is too early to ask again."""
        if offset > 0:
            self._wanted[tp] = offset
        else:
            self.release(tp)
        await self.again()

    async def again(self) -> None:
        """Ask for what has not been deleted yet, unless it is too early."""
        if not self._wanted or self._clock() < self._not_before:
            return
        failure: Exception | None = None
        for tp, offset in list(self._wanted.items()):
            try:
                await self._delete(tp, offset)
            except OffsetOutOfRangeError:
                pass  # the topic was made anew: what was to go has gone
            except OF_ONE_PARTITION as error:
                failure = error
                continue
            except Exception as error:
                failure = error
                break
            if self._wanted.get(tp) == offset:
                del self._wanted[tp]
        if failure is not None:
            await self._put_off(failure)
        else:
            self._pause_s = FIRST_PAUSE_S
            self._metrics.state_not_deleted.set(0)

    async def _delete(self, tp: TopicPartition, offset: int) -> None:
        if self._client is None:
            client = self._connect(self._settings)
            await client.start()
            self._client = client
        await self._client.delete_records({tp: RecordsToDelete(offset)})

    def release(self, tp: TopicPartition) -> None:
        """Another worker sees to this partition."""
        self._wanted.pop(tp, None)

    async def stop(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # it is of no use any more
                await client.close()

    async def _put_off(self, error: Exception) -> None:
        await self.stop()
        final = isinstance(error, FINAL)
        self._not_before = float("inf") if final else self._clock() + self._pause_s
        again = "at the next start" if final else f"in {self._pause_s:.0f} s"
        log.info("old state is not deleted", reason=repr(error), again=again)
        self._pause_s = min(2 * self._pause_s, LAST_PAUSE_S)
        self._metrics.state_not_deleted.set(1)


def _client(settings: Settings) -> Any:
    return AIOKafkaAdminClient(**client_options(settings))
