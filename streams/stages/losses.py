"""Records of an input that the broker deleted before anybody read them: what a stage does about it.

By `HYDRAWATCH_ON_LOSS`: it stops, or it goes on without them, with all that it has learned, and loudly. What
follows for its part of the engine is the part's own (`lose`).
"""

from __future__ import annotations

import structlog

from detectors.errors import StateError
from detectors.interface.clock import MINUTE_MS, NO_TIME
from streams.bulk.gone import Gone, what_follows
from streams.observe.losses import shown_time
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings

log = structlog.get_logger()

# What is gone with the records of each stage's input, beside their evidence.
ALSO = {
    "accounts": "those hours are incomplete: nothing is learned from them and nobody judged by them",
    "keys": (
        "what accounts shared then is not known, those hours are incomplete, and accounts that were "
        "erased meanwhile must be forgotten again (`hydrawatch forget`)"
    ),
    "owner": (
        "findings and names of new accounts are gone, those hours are incomplete, and accounts that were "
        "erased meanwhile must be forgotten again (`hydrawatch forget`)"
    ),
}


def refuse_to_go_on(gone: Gone, settings: Settings) -> None:
    """Raise StateError where a person is to decide what is done about it."""
    if settings.on_loss == "stop":
        raise StateError(f"{gone}, and {what_follows(gone, settings.on_loss)}")


def tell_of(gone: Gone, stage: str, metrics: Metrics, last_event_ms: int) -> None:
    """Count what is gone, and say so; `last_event_ms` is the event time that was reached before."""
    metrics.lost_records.labels(gone.topic).inc(gone.records)
    log.error(
        "records were deleted before they were read: going on without them",
        topic=gone.topic,
        partition=gone.partition,
        first_offset=gone.first,
        last_offset=gone.end - 1,
        records=gone.records,
        stage=stage,
        event_time_before=shown_time(last_event_ms),
        therefore=ALSO[stage],
    )


def tick_end(tick: int) -> int:
    """The end of a tick, ms; NO_TIME where there is none."""
    return NO_TIME if tick == NO_TIME else (tick + 1) * MINUTE_MS
