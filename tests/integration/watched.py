"""What a worker process says of itself over HTTP, for the tests of this directory."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

PATIENCE_S = 120.0


class Watched:
    """What a worker says over HTTP."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"

    def reasons(self) -> dict[str, str]:
        found: dict[str, str] = orjson.loads(self._get("/readyz"))["reasons"]
        return found

    def says(self, reason: str, text: str) -> None:
        """Wait until it gives this reason, with this text in it."""
        self.until(f"no word of {text!r}", lambda: text in self.reasons().get(reason, ""))

    def comes_to(self, series: str, value: float, **labels: str) -> None:
        """Wait until the sum of a series' samples is this."""
        self.until(f"{series} is not {value}", lambda: self.total(series, **labels) == value)

    def ready(self) -> bool:
        return self.total("hydrawatch_ready") == 1

    def notes(self) -> dict[str, str]:
        found: dict[str, str] = orjson.loads(self._get("/readyz")).get("notes", {})
        return found

    def lives(self) -> bool:
        """Whether it asks for no restart."""
        return not orjson.loads(self._get("/livez"))["reasons"]

    def total(self, series: str, **labels: str) -> float:
        """The sum of a series' samples."""
        text = self._get("/metrics").decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == series and labels.items() <= sample.labels.items()
        )

    def series(self, name: str) -> set[tuple[tuple[str, str], ...]]:
        """The label sets that a series is shown with."""
        return {
            tuple(sorted(sample.labels.items()))
            for family in text_string_to_metric_families(self._get("/metrics").decode())
            for sample in family.samples
            if sample.name == name
        }

    def until(self, what: str, reached: Any, moving: str = "") -> None:
        """Wait for something; where `moving` names a series, for as long as that goes on."""
        ends, last = time.monotonic() + PATIENCE_S, -1.0
        while not self._answers(reached):
            assert self.process.poll() is None, "the worker ended"
            if moving and (now := self.total(moving)) != last:
                ends, last = time.monotonic() + PATIENCE_S, now
            assert time.monotonic() < ends, f"{what}: {self.reasons()}"
            time.sleep(0.05)

    @staticmethod
    def _answers(reached: Any) -> bool:
        try:
            return bool(reached())
        except OSError:  # it does not listen yet
            return False

    def _get(self, path: str) -> bytes:
        try:
            with urllib.request.urlopen(self._url + path, timeout=5) as answer:
                body: bytes = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read()
        return body
