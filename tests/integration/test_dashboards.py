"""Every question of the dashboards and rules has an answer, from a real Prometheus on the demo."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.launch import INTERRUPTIBLE
from tests.prometheus import (
    RATE_INTERVAL,
    SELECTOR,
    Prometheus,
    binary,
    panel_expressions,
    prometheus,
    rules,
)

pytestmark = [pytest.mark.broker, pytest.mark.embedded, pytest.mark.timeout(500)]

SMALL = ["--stay", "--scale", "0.3"]
DEMO = [*INTERRUPTIBLE, "demo", *SMALL]
LIVE = '{worker_mode=~"()"}'
EMPTY = {
    'ALERTS{alertname=~"Hydrawatch.*"}': "a table of what is wrong, and nothing need be",
    f"sum by (kind, outcome) (hydrawatch_control_events_total{LIVE})": "nobody sends any in the demo",
    "topk(8, sum by (property) "
    f"(rate(hydrawatch_unknown_properties_total{LIVE}[{RATE_INTERVAL}])))": (
        "the simulated world leaves properties out, but gives none that is invalid"
    ),
    "topk(4, sum by (property) "
    f"(rate(hydrawatch_unusable_properties_total{LIVE}[{RATE_INTERVAL}])) > 0)": "the same",
}
SCRAPES_S = 5.0  # after the end, so that its last figures are seen


class Looked:
    """A Prometheus, and the time in which there was something to see."""

    def __init__(self, source: Prometheus, start: float, end: float) -> None:
        self._source, self._start, self._end = source, start, end

    def values(self, expr: str) -> list[float]:
        return self._source.values(expr, self._start, self._end)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    binary("prometheus")
    directory = tmp_path_factory.mktemp("prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "TMPDIR": str(directory),
        "HYDRAWATCH_METRICS_PORT": str(port),
        "HYDRAWATCH_SNAPSHOT_S": "2",
    }
    start = time.time()
    with (
        prometheus(directory, f"127.0.0.1:{port}") as source,
        subprocess.Popen(
            DEMO, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as demo,
    ):
        try:
            assert demo.stdout is not None
            said = []
            for line in demo.stdout:
                said.append(line)
                if re.search(r"metrics +http://", line):
                    break
            else:
                pytest.fail("".join(said))
            time.sleep(SCRAPES_S)
            yield Looked(source, start, time.time())
        finally:
            demo.send_signal(signal.SIGINT)


@pytest.mark.parametrize(
    ("panel", "expr"), list(panel_expressions()), ids=lambda value: str(value)[:60]
)
def test_every_panel_shows_data(looked: Looked, panel: str, expr: str) -> None:
    found = looked.values(expr)
    if expr not in EMPTY:
        assert found, panel


def test_what_may_be_empty_is_still_asked() -> None:
    assert set(EMPTY) <= {expr for _, expr in panel_expressions()}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_rule_looks_at_series_that_are_there(looked: Looked, rule: dict[str, str]) -> None:
    looked.values(rule["expr"])  # Prometheus understands it
    for selector in SELECTOR.findall(rule["expr"]):
        assert looked.values(selector), selector


def test_a_demo_in_which_all_is_well_fires_no_rule(looked: Looked) -> None:
    assert looked.values('ALERTS{alertname=~"Hydrawatch.*",alertstate="firing"}') == []
