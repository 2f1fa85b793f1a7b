"""What a detector raises is said by metrics, log and notes: how often, for how many, never for whom."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import structlog

from detectors.judging.host import Host
from detectors.judging.isolation import LASTS_TICKS, WHOLE, Isolation
from detectors.registry import BUILT_IN
from streams.commands import replay
from streams.observe.isolation import LOG_EVERY_S, AsideGauge, notes
from streams.observe.metrics import Metrics
from streams.observe.partition_gauges import PartitionGauges
from streams.observe.stage_gauges import begin_at_zero
from streams.settings.settings import Settings
from tests.integration.poisoned_worker import poisoned_configuration
from tests.owner_stories import owner_of
from tests.poison import records, values
from tests.stage_stories import START

VOLUME = "volume.own_past"
ONE_DETECTOR = {"detector": VOLUME, "stage": "accounts"}


def shown(metrics: Metrics, series: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"hydrawatch_{series}", ONE_DETECTOR | labels)


@pytest.fixture
def logged() -> Any:
    with structlog.testing.capture_logs() as records:
        yield records


def test_judgements_that_raise_are_counted_and_entities_shown_while_they_are_aside() -> None:
    metrics, isolation = Metrics(), Isolation()
    begin_at_zero(metrics, BUILT_IN)
    assert shown(metrics, "set_aside_total") == 0
    partition = PartitionGauges(metrics, "requests", 3)
    gauge = AsideGauge(metrics, partition, "accounts", VOLUME, isolation)
    for tick in (60, 120):
        isolation.raised(tick, [4, 5], "ValueError")
        gauge.update(tick)
    assert shown(metrics, "set_aside_total") == 4
    assert shown(metrics, "set_aside_entities", partition="3") == 2
    gauge.update(120 + LASTS_TICKS)
    assert shown(metrics, "set_aside_total") == 4
    assert shown(metrics, "set_aside_entities", partition="3") == 0
    partition.release()
    assert shown(metrics, "set_aside_entities", partition="3") is None


def test_the_log_says_it_at_once_and_then_once_in_a_while(logged: list[Any]) -> None:
    now = [1_000.0]
    metrics, isolation = Metrics(), Isolation()
    show = PartitionGauges(metrics, "requests", 3)
    gauge = AsideGauge(metrics, show, "accounts", VOLUME, isolation, clock=lambda: now[0])
    for tick in range(100):
        isolation.raised(tick, [7_777_777], "ValueError")
        gauge.update(tick)
    now[0] += LOG_EVERY_S
    gauge.update(100)
    gauge.update(101)
    assert [(r["tick"], r["times"]) for r in logged] == [(0, 1), (99, 99)]
    assert all(r["log_level"] == "error" and r["error"] == "ValueError" for r in logged)
    assert "7777777" not in repr(logged)


def test_what_was_counted_before_a_restart_is_not_said_again(logged: list[Any]) -> None:
    metrics, isolation = Metrics(), Isolation()
    isolation.raised(1, [1], "ValueError")
    gauge = AsideGauge(
        metrics, PartitionGauges(metrics, "requests", 3), "accounts", VOLUME, isolation
    )
    gauge.update(1)
    assert not shown(metrics, "set_aside_total")
    assert not logged


def stage(name: str, entities: int, closed: int = 9, judged: int = 0) -> Any:
    part: Any = owner_of()
    part.closed = closed
    isolation = part.isolation.by_detector[VOLUME]
    if name != "owner":
        host = Host(BUILT_IN, "account" if name == "accounts" else "key", 10)
        part = SimpleNamespace(isolations=host.isolations, closed=closed)
        isolation = host.runs[0].isolation
    if entities:
        isolation.raised(9, range(entities), "ValueError")
    isolation.judged(judged, 0)
    return SimpleNamespace(name=name, part=part)


def test_notes_add_up_the_stages_of_a_worker_and_name_nobody() -> None:
    assert notes([stage("accounts", 0), stage("keys", 0)]) == {}
    said = notes([stage("accounts", 2), stage("accounts", 1), stage("owner", 0), stage("keys", 1)])
    assert said.keys() == {VOLUME, "births"}
    assert said[VOLUME].startswith("raised ValueError for 3 accounts within a day")
    assert "for 1 shared value within" in said["births"]
    assert "broken" not in said[VOLUME]


def test_a_note_says_when_a_detector_raises_for_all() -> None:
    assert "broken" in notes([stage("keys", WHOLE, judged=WHOLE)])["births"]


def test_a_note_ends_a_day_of_event_time_later() -> None:
    assert notes([stage("keys", 1, closed=9 + LASTS_TICKS)]) == {}


def test_the_summary_of_a_replay_counts_what_was_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The thresholds that make a detector raise are outside the ranges that a file may give.
    monkeypatch.setattr(replay, "configured", lambda given, _: poisoned_configuration(given))
    file = tmp_path / "requests.jsonl"
    file.write_bytes(b"\n".join(values(records(START))))
    found = tmp_path / "alerts.jsonl"
    settings = Settings(partitions=2)
    assert replay.run(settings, str(file), str(found), None, None, True, True) == 0
    facts = orjson.loads(capsys.readouterr().err)
    assert facts["set_aside"] == {VOLUME: 25, "births": 12}
    assert found.stat().st_size
