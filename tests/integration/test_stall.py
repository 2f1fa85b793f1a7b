"""A worker whose input stands still says so from outside, and goes on where it was."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams import topics
from streams.embedded import EmbeddedBroker
from streams.settings import Settings
from tests.integration.workers import Batch, send, worker
from worlds import load

pytestmark = [pytest.mark.broker, pytest.mark.embedded, pytest.mark.timeout(200)]

EVENTS = 120_000
START_MS = 1_777_000_000_000
PATIENCE_S = 60.0


class Watched:
    """What a worker says over HTTP."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._url = f"http://127.0.0.1:{port}"

    def reasons(self) -> dict[str, str]:
        found: dict[str, str] = orjson.loads(self._get("/readyz"))["reasons"]
        return found

    def total(self, series: str, **labels: str) -> float:
        """The sum of a series' samples; nan while the worker does not answer."""
        try:
            text = self._get("/metrics").decode()
        except OSError:
            return float("nan")
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == series and labels.items() <= sample.labels.items()
        )

    def until(self, what: str, reached: Any) -> None:
        ends = time.monotonic() + PATIENCE_S
        while not reached():
            assert self._process.poll() is None, "the worker ended"
            assert time.monotonic() < ends, what
            time.sleep(0.05)

    def _get(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        return body


def test_a_broker_that_freezes_is_seen_and_when_it_thaws_nothing_is_lost_or_twice(
    tmp_path: Path,
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedBroker() as broker:
        # Small chunks: it must not have read everything before we look.
        settings = Settings(
            broker=broker.address, partitions=4, metrics_port=port, stall_s=2.0, chunk_records=2
        )
        topics.create(settings, 4, replication=1)
        batches = load.dense(EVENTS, accounts=1_000, start_ms=START_MS)
        send(settings, [Batch(list(b.keys), list(b.values), b.timestamps) for b in batches])
        requests = {"topic": settings.requests_topic}
        with worker(settings, tmp_path) as process:
            watched = Watched(process, port)
            watched.until("nothing is read", lambda: watched.total("hydrawatch_events_total") > 0)
            os.killpg(broker.pid, signal.SIGSTOP)
            try:
                watched.until("no stall", lambda: "progress" in watched.reasons())
                assert watched.total("hydrawatch_lag_records", **requests) > 0
                assert watched.total("hydrawatch_stalled_seconds", **requests) > 2
                assert watched.total("hydrawatch_stalls_total", **requests) >= 1
                assert watched.total("hydrawatch_ready") == 0
            finally:
                os.killpg(broker.pid, signal.SIGCONT)
            watched.until(
                "it does not go on", lambda: watched.total("hydrawatch_events_total") >= EVENTS
            )
            watched.until("still not ready", lambda: not watched.reasons())
            assert watched.total("hydrawatch_events_total") == EVENTS
            assert watched.total("hydrawatch_events_total", outcome="accepted") == EVENTS
