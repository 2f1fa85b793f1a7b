"""A partition is silent only while it could be heard."""

from __future__ import annotations

from faust.types import TP

from streams.worker.idleness import ANSWER_S, Idleness

PART = TP("requests", 0)


def test_silence_counts_from_the_last_record_while_the_broker_answers() -> None:
    idleness = Idleness(clock=lambda: 100.0)
    assert idleness.lasts_s(PART, 88.0, 0.5) == 11.5


def test_silence_lasts_no_longer_than_the_broker_was_there_to_answer() -> None:
    idleness = Idleness(clock=lambda: 100.0)
    assert idleness.lasts_s(PART, 95.5, 4.0) == 0.5
    assert idleness.lasts_s(PART, 98.0, 4.0) == 0.0


def test_an_outage_is_no_silence_and_silence_begins_anew_after_it() -> None:
    now = [100.0]
    idleness = Idleness(clock=lambda: now[0])
    assert idleness.lasts_s(PART, 80.0, ANSWER_S + 1) == 0.0
    now[0] = 103.0
    assert idleness.lasts_s(PART, 80.0, 0.5) == 2.5
    now[0] = 120.0
    assert idleness.lasts_s(PART, 80.0, None) == 0.0


def test_another_partitions_outage_does_not_matter() -> None:
    idleness = Idleness(clock=lambda: 100.0)
    idleness.lasts_s(TP("requests", 1), 80.0, None)
    assert idleness.lasts_s(PART, 90.0, 1.0) == 9.0
