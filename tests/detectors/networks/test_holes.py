"""Hand-overs that were deleted unread: of their hours it is known that they are incomplete."""

from __future__ import annotations

import pytest

from detectors.exchange.hand_over import watermark_only
from detectors.exchange.loss import Loss
from detectors.networks.holes import MOST_HOLES, Holes
from detectors.networks.partition import NetworkPartition
from tests.detectors.state.test_checkpoint import Log
from tests.stage_stories import DAY, HOUR, MINUTE, START, config

FIRST = START // MINUTE


def told(keys: NetworkPartition, source: int, *hours: int) -> None:
    """A source says that it has closed what lies before these hours."""
    for hour in hours:
        keys.receive(watermark_only(source, FIRST + hour * 60 - 1))
    keys.advance()


def test_of_each_source_the_hours_between_its_words_are_incomplete() -> None:
    keys = NetworkPartition(config(partitions=2), 0)
    for source in (0, 1):
        told(keys, source, 1, 2, 3)
    keys.lose(40, 90)
    told(keys, 0, 5)
    assert keys.loss == Loss(40, 90, FIRST + 179)
    told(keys, 1, 31)
    assert keys.loss == Loss(40, 90, FIRST + 179, FIRST + 31 * 60 - 1)
    # 2 hours of one source and 28 of the other, in days that both have.
    assert keys._watched_days(START, START + 2 * DAY) == pytest.approx(2 - 30 / 2 / 24)
    assert keys._watched_days(START, START + 3 * HOUR) == pytest.approx(3 / 24)
    assert keys._holes.between(START + DAY, START + 2 * DAY) == 7
    told(keys, 0, 40)
    assert keys._watched_days(START, START + 2 * DAY) == pytest.approx(2 - 30 / 2 / 24)


def test_a_restart_in_the_middle_of_a_loss_knows_who_has_not_spoken() -> None:
    keys = NetworkPartition(config(partitions=2), 0)
    for source in (0, 1):
        told(keys, source, 1, 3)
    keys.lose(40, 90)
    told(keys, 0, 5)
    log = Log()
    log.keep(keys.checkpoint())
    fresh = NetworkPartition(config(partitions=2), 0)
    kept = fresh.restoration()
    fresh.restore(kept, log.read_into(kept))
    for one in (keys, fresh):
        told(one, 1, 31)
    assert fresh.loss == keys.loss == Loss(40, 90, FIRST + 179, FIRST + 31 * 60 - 1)
    assert fresh._holes.by_tick == keys._holes.by_tick


def test_the_hours_of_a_loss_are_bounded() -> None:
    holes = Holes()
    holes.lose(1, 2, [0], 0)
    holes.hear(0, 60 * 10**6, [0])
    assert len(holes.by_tick) == MOST_HOLES
    assert max(holes.by_tick) == 60 * 10**6


def test_a_source_that_was_never_heard_has_lost_nothing() -> None:
    keys = NetworkPartition(config(partitions=2), 0)
    told(keys, 0, 1, 3)
    keys.lose(40, 90)
    assert keys.loss is None
    told(keys, 1, 1, 3)
    assert keys._watched_days(START, START + DAY) == 1
