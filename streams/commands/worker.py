"""`hydrawatch worker`: one process, one core, its share of the partitions, until stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import structlog

from detectors.config import Loaded
from detectors.errors import ConfigError
from streams.kafka.connection import NoAnswerError
from streams.observe.health import Health, HealthServer
from streams.observe.mode_label import shown_as
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.topics import status
from streams.worker.memory import tune_memory
from streams.worker.stopping import end_within
from streams.worker.warm_up import warm_up

if TYPE_CHECKING:
    from streams.worker.worker import Worker

ANSWER_S = 15.0  # how long a broker may be away when a worker starts
STARTED_ANEW = "_HYDRAWATCH_STARTED_ANEW"  # set by the worker itself: where no cache can be written

log = structlog.get_logger()


def run(settings: Settings) -> int:
    """Check topics and configuration, then work until SIGTERM or SIGINT. Returns the exit code.

    Raises ConfigError where a topic is missing or has another number of partitions: Faust would
    skip it with a warning and read nothing.
    """
    loaded = configured(settings)
    _verify(settings, loaded.config.engine.partitions)
    # A compilation in the middle of the stream would outlast the session.
    if warm_up(loaded.config.detectors) and not os.environ.get(STARTED_ANEW):
        start_anew()
    tune_memory()
    from streams.worker import event_loop

    # In all threads: Faust's consumer thread makes a loop of its own, and reads all bytes with it.
    event_loop.use_everywhere()
    return asyncio.run(_run(settings, loaded))


def _verify(settings: Settings, partitions: int) -> None:
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            problems = status.verify(settings, partitions)
            break
        except NoAnswerError as error:
            # One broker of several may be away, and a client that asks that one asks no other.
            if time.monotonic() > until:
                raise
            log.warning("waiting for the broker", to="look at the topics", reason=str(error))
            time.sleep(1)
    if problems:
        raise ConfigError("\n".join(map(str, problems)))


def start_anew() -> None:
    """Replace this process by a fresh one: a compiler that has run holds on to 220 MB."""
    log.info("kernels compiled; starting anew with what is on disk")
    os.execve(
        sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, STARTED_ANEW: "1"}
    )


async def _started(worker: Worker, stop: asyncio.Event) -> bool:
    """Start; False where it was stopped before that was done. Raises what starting raises."""

    async def start() -> None:
        await worker.start()
        await worker.app.start()

    starting, stopped = asyncio.create_task(start()), asyncio.create_task(stop.wait())
    await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        return False
    starting.result()
    return True


async def _run(settings: Settings, loaded: Loaded) -> int:
    from streams.worker.worker import Worker

    worker = Worker(settings, loaded)
    health = Health(
        shown_as(settings.mode, worker.metrics.registry),
        worker.readiness,
        worker.heartbeat,
        dead=worker.watchdog.dead,
    )
    server = HealthServer(health, host=settings.metrics_host, port=settings.metrics_port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with server:
        log.info("worker starts", metrics=server.url, digest=loaded.digest)
        try:
            started = await _started(worker, stop)
            while not stop.is_set() and not worker.app.crashed:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 0.5)
        finally:
            end_within()
        crashed = bool(worker.app.crashed)
        if crashed:  # said before a stop that may be cut off
            log.error("worker failed", reason=repr(worker.app.crash_reason))
        try:
            if started and not crashed:
                await worker.hand_on()
        finally:
            await worker.app.stop()
            await worker.stop()
    return 1 if crashed else 0
