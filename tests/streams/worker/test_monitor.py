"""A worker ends where its group has refused it, or its topics were made anew, and not for less."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP

from detectors.errors import StateError
from streams.kafka.connection import BrokerError
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics
from streams.observe.shown import Shown
from streams.settings.settings import Settings
from streams.worker import monitor
from streams.worker.monitor import Monitor


class Refused(SimpleNamespace):
    """A transport with, or without, something that the coordinator has against it."""

    error: BaseException | None = None

    def group_error(self) -> BaseException | None:
        return self.error


def test_what_the_coordinator_has_against_a_worker_ends_it_once_nobody_raises_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(monitor.time, "monotonic", lambda: now[0])
    transport = Refused()
    shown = Shown(Metrics(), Readiness())
    looking = Monitor(Settings(), cast("Any", transport), {}, set(), shown)
    looking.refuse_to_stay_out_of_the_group()
    transport.error = RuntimeError("unknown")
    looking.refuse_to_stay_out_of_the_group()  # a fetch is about to raise it
    now[0] += monitor.OUT_S
    transport.error = None
    looking.refuse_to_stay_out_of_the_group()
    transport.error = RuntimeError("unknown")
    looking.refuse_to_stay_out_of_the_group()
    now[0] += 2 * monitor.OUT_S
    with pytest.raises(BrokerError, match=r"group hydrawatch: .*refused.*unknown.*joins again"):
        looking.refuse_to_stay_out_of_the_group()


@pytest.mark.parametrize(("age_s", "ends"), [(0.5, True), (60.0, False), (None, False)])
def test_only_a_broker_that_answers_can_say_that_a_topic_is_shorter_than_what_was_read(
    monkeypatch: pytest.MonkeyPatch, age_s: float | None, ends: bool
) -> None:
    now = [100.0]
    monkeypatch.setattr(monitor.time, "monotonic", lambda: now[0])
    transport = SimpleNamespace(answer_age_s=lambda _tp: age_s)
    shown = Shown(Metrics(), Readiness())
    looking = Monitor(Settings(), cast("Any", transport), {}, set(), shown)
    tp = TP("hydrawatch-handover", 1)
    looking.refuse_an_end_before(tp, 90, 100)
    now[0] += monitor.SHORT_S + 1
    if ends:
        with pytest.raises(StateError, match="hydrawatch-handover was deleted and made anew"):
            looking.refuse_an_end_before(tp, 90, 100)
    else:
        looking.refuse_an_end_before(tp, 90, 100)
