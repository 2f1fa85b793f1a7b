"""The end of a worker comes within a bound, whatever brokers and clients do."""

from __future__ import annotations

import logging
import os
import threading

import structlog

log = structlog.get_logger()

# Less than the grace of an orchestrator (30 s with Docker Compose and by default with Kubernetes): of it
# `streams.worker.worker.HAND_ON_S` at most for handing state on.
STOP_S = 28.0


def end_within(seconds: float = STOP_S) -> threading.Timer:
    """End the process with exit code 1 unless it has ended by itself in time.

    From a thread, as what hangs may be the event loop, or another thread that an orderly end waits for.
    Nothing is lost: whoever comes next goes on from the state that was kept last.
    """
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()
    return timer


def _end(seconds: float) -> None:
    log.error(
        "the stop took too long, and the process is ended",
        after_s=seconds,
        next="goes on from kept state",
    )
    logging.shutdown()
    os._exit(1)
