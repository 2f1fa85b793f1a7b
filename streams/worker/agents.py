"""The Faust app and its agents: a chunk of an input goes to the stage of its partition.

One agent for each input: requests (accounts), hand-overs (networks) and reports (the owner). A chunk is
acknowledged when what was said because of it is with the broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust
import structlog
from faust.types import TP

from streams.bulk.chunks import Chunk
from streams.bulk.driver import BulkTransport, use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions, ChunkSchema
from streams.kafka.connection import faust_credentials, faust_urls
from streams.kafka.fencing import ShutOutError
from streams.observe.watchdog import Watchdog
from streams.settings.settings import Settings
from streams.stage import Stage
from streams.stages.intake import Intake
from streams.topics.identity import inputs
from streams.worker.alignment import Alignment

log = structlog.get_logger()

CHUNK_BYTES = 2 << 20


def create_app(
    settings: Settings, start_offset: Callable[[TP], Awaitable[int]]
) -> tuple[faust.App, BulkTransport]:
    """An app without agents, and how it reads; `start_offset` says where, partition by partition."""
    app = faust.App(
        settings.group,
        broker=faust_urls(settings),
        broker_credentials=faust_credentials(settings),
        datadir=str(settings.data_dir),
        autodiscover=False,
        **{
            **BULK_SETTINGS,
            # What waits in memory: chunks per topic, and fetched bytes per partition.
            "stream_buffer_maxsize": 8,
            "consumer_max_fetch_size": 2 << 20,
            "broker_session_timeout": settings.session_timeout_s,
            "broker_heartbeat_interval": settings.heartbeat_s,
            "consumer_group_instance_id": settings.instance_id,
        },
    )
    # Faust's folders would be for tables, of which there are none: a full disk stops no worker.
    app._create_directories = lambda: None
    options = BulkOptions(
        topics=frozenset(inputs(settings)),
        start_offset=start_offset,
        chunk_records=settings.chunk_records,
        chunk_bytes=CHUNK_BYTES,
    )
    return app, use_bulk_transport(app, options)


@dataclass(frozen=True, slots=True)
class Agents:
    """What the agents of one worker do. `stages` is the worker's own, by partition."""

    app: faust.App
    stages: Mapping[TP, Stage]
    intake: Intake
    alignment: Alignment
    watchdog: Watchdog

    def register(self, settings: Settings) -> None:
        """Have the app run one for each input."""
        for name in inputs(settings):
            topic = self.app.topic(name, schema=ChunkSchema(), internal=False)
            self.app.agent(topic, name=f"hydrawatch.{name}")(self._take)

    async def _take(self, stream: Any) -> AsyncIterator[None]:
        async for event in stream.noack().events():
            chunk: Chunk = event.value
            tp = TP(chunk.topic, chunk.partition)
            try:
                stage = self.stages.get(tp)
                if stage is None:
                    continue  # of an assignment that has ended
                with self.watchdog.at_work(tp):
                    await self.intake.take(tp, stage, partial(stage.process, chunk))
            except asyncio.CancelledError:
                raise
            except ShutOutError as error:
                # Its stage is not kept any more, and goes with the next assignment.
                log.warning("left to another worker", topic=tp.topic, reason=str(error))
                continue
            except Exception as error:
                # Going on would leave a hole in the windows: stop, and start again from the topic.
                log.exception("stage failed", topic=tp.topic, partition=tp.partition)
                await self.app.crash(error)
                raise
            self.alignment.hold_back(tp)
            yield
