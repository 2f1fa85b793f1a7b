"""What an app says of its bulk topics, and what it must say to Faust so that they can be read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import faust
from faust.types import TP

from streams.bulk.chunks import Chunk

BULK_SETTINGS: dict[str, Any] = {
    "consumer_auto_offset_reset": "earliest",  # a source is read from its beginning
    "processing_guarantee": "at_least_once",  # Faust's exactly_once has open bugs
    "stream_wait_empty": False,  # a rebalance must not wait for acks that wait for a snapshot
    "stream_buffer_maxsize": 16,  # counts chunks
    "consumer_max_fetch_size": 4 << 20,  # two chunks of 1 kB records per partition and fetch
    "broker_session_timeout": 10.0,  # a killed worker's partitions stand still that long
    "broker_heartbeat_interval": 3.0,
    "topic_disable_leader": True,  # no topic for a leader election nobody asks about
    "table_standby_replicas": 0,
    "web_enabled": False,
}


async def _committed(_tp: TP) -> int | None:
    return None


@dataclass(frozen=True, slots=True)
class BulkOptions:
    """Which topics come as chunks, how large these are, and where reading starts.

    `start_offset` is asked in the event loop whenever a bulk partition is positioned, one after
    another; nothing is read before it has answered. `streams.bulk.driver` says what its answers mean.
    """

    topics: frozenset[str]
    start_offset: Callable[[TP], Awaitable[int | None]] = _committed
    chunk_records: int = 2000  # a few ms of work, so that the event loop breathes
    chunk_bytes: int = 4 << 20


class ChunkSchema(faust.Schema):
    """Hands a chunk through as it is: an exception in a codec would end an agent silently."""

    def loads_key(self, app: Any, message: Any, **kwargs: Any) -> None:
        """Return None: a chunk's keys are in the chunk."""

    def loads_value(self, app: Any, message: Any, **kwargs: Any) -> Chunk:
        """Return the message's chunk."""
        chunk: Chunk = message.value
        return chunk
