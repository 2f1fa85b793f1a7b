"""A worker whose group has refused it ends, and does not stand there for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

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
