"""Shows what a stage goes without because it was deleted unread: as metrics, in the log and in /readyz.

The worker stays ready: a fleet that stopped for a hole would be blind to all that comes behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import structlog
from faust.types import TP

from detectors.exchange.loss import Loss
from detectors.interface.clock import MINUTE_MS
from streams.bulk.transactions import Undecided
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges
from streams.stage import Part, Stage

log = structlog.get_logger()

SHOWN = 5  # partitions that a note names
OPEN_S = 60.0  # a transaction that is open for longer is worth a word


class LossGauge:
    """The last loss of one partition."""

    def __init__(self, metrics: Metrics, show: PartitionGauges, topic: str, part: Part) -> None:
        self._gauge = metrics.lately_lost
        self._show = show
        self._topic = topic
        self.restore(part)

    def restore(self, part: Part) -> None:
        """What lasts was told of by whoever found it; its end is still to be told."""
        self._lasted = part.loss is not None and part.loss.lasts

    def update(self, part: Part) -> None:
        """After a chunk, and while none comes."""
        loss = part.loss
        if loss is None:
            return
        lately = loss.end - loss.first if loss.recent(part.closed) else 0
        self._show.set(self._gauge, lately, self._topic)
        if self._lasted and not loss.lasts:
            log.warning(
                "what came behind deleted records is read: it is known now which hours are incomplete",
                topic=self._topic,
                partition=self._show.label,
                first_offset=loss.first,
                last_offset=loss.end - 1,
                incomplete_from=_time(loss.before),
                incomplete_until=_time(loss.after),
            )
        self._lasted = loss.lasts


def losses(stages: Mapping[TP, Stage]) -> dict[str, str]:
    """What was deleted unread within a day of event time, for /readyz."""
    said = [
        f"{tp.topic} [{tp.partition}] {_sentence(loss)}"
        for tp, stage in sorted(stages.items())
        if (loss := stage.part.loss) is not None and loss.recent(stage.part.closed)
    ]
    return {"lost input": _some(said)} if said else {}


def open_transactions(found: Iterable[tuple[TP, Undecided]]) -> dict[str, str]:
    """What waits for transactions that have been open for long, for /readyz."""
    said = [
        f"{tp.topic} [{tp.partition}]: {one.offsets:,} records wait for a transaction that has been open "
        f"for {one.seconds:.0f} s"
        for tp, one in sorted(found)
        if one.offsets and one.seconds > OPEN_S
    ]
    return {"transactions": _some(said)} if said else {}


def _sentence(loss: Loss) -> str:
    ends = "what comes next" if loss.lasts else _time(loss.after)
    return (
        f"lost records {loss.first} to {loss.end - 1}, which were deleted before they were read: from "
        f"{_time(loss.before)} to {ends} what is known is incomplete"
    )


def _some(said: list[str]) -> str:
    more = f"; and {len(said) - SHOWN} more partitions" if len(said) > SHOWN else ""
    return "; ".join(said[:SHOWN]) + more


def _time(tick: int) -> str:
    """The end of a tick, for people."""
    return shown_time((tick + 1) * MINUTE_MS)


def shown_time(time_ms: int) -> str:
    """A time for people; empty where it is none that a calendar has."""
    try:
        return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return ""
