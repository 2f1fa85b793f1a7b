"""What was deleted unread, and what waits for transactions, is shown for as long as it matters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import structlog
from faust.types import TP

from detectors.exchange.loss import Loss
from detectors.interface.clock import DAY_TICKS, NO_TIME
from streams.bulk.transactions import Undecided
from streams.observe.losses import SHOWN, LossGauge, losses, open_transactions, shown_time
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges

TICK = 29_000_000  # ends at 2025-02-19T21:21
OPEN = Loss(100, 250, TICK)


def part(loss: Loss | None, closed: int = TICK) -> Any:
    return SimpleNamespace(loss=loss, closed=closed)


def shown(metrics: Metrics) -> float | None:
    labels = {"topic": "t", "partition": "3"}
    return metrics.registry.get_sample_value("hydrawatch_lately_lost_records", labels)


def test_a_loss_shows_for_a_day_of_event_time_and_its_end_is_told_once() -> None:
    metrics = Metrics()
    show = PartitionGauges(metrics, "t", 3)
    gauge = LossGauge(metrics, show, "t", part(None))
    with structlog.testing.capture_logs() as said:
        gauge.update(part(None))
        assert shown(metrics) is None
        gauge.update(part(OPEN))
        assert (shown(metrics), said) == (150, [])
        ended = OPEN.until(TICK + 60)
        for closed in (TICK + 60, TICK + 60 + DAY_TICKS):
            gauge.update(part(ended, closed))
            assert shown(metrics) == 150
        gauge.update(part(ended, TICK + 61 + DAY_TICKS))
        assert shown(metrics) == 0
    (told,) = said
    assert (told["first_offset"], told["last_offset"]) == (100, 249)
    assert told["incomplete_from"] == "2025-02-19T21:21:00+00:00"
    assert told["incomplete_until"] == "2025-02-19T22:21:00+00:00"
    show.release()
    assert shown(metrics) is None


def test_readiness_names_the_places_and_not_too_many() -> None:
    stages = {TP("t", n): SimpleNamespace(part=part(OPEN)) for n in range(SHOWN + 2)}
    said = losses(stages)["lost input"]  # type: ignore[arg-type]
    assert said.startswith(
        "t [0] lost records 100 to 249, which were deleted before they were read"
    )
    assert said.endswith("; and 2 more partitions")
    assert "from 2025-02-19T21:21:00+00:00 to what comes next" in said
    old = {TP("t", 0): SimpleNamespace(part=part(OPEN.until(TICK), TICK + DAY_TICKS + 1))}
    assert losses(old) == {}  # type: ignore[arg-type]
    assert losses({TP("t", 0): SimpleNamespace(part=part(None))}) == {}  # type: ignore[dict-item]


def test_a_transaction_is_told_of_once_it_has_been_open_for_long() -> None:
    assert (
        open_transactions([(TP("t", 1), Undecided(9, 30.0)), (TP("t", 2), Undecided(0, 0))]) == {}
    )
    said = open_transactions([(TP("t", 1), Undecided(9, 61.0))])["transactions"]
    assert said == "t [1]: 9 records wait for a transaction that has been open for 61 s"


def test_a_time_that_no_calendar_has_is_not_shown() -> None:
    assert shown_time(NO_TIME) == shown_time(1 << 62) == ""
