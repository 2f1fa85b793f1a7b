"""A real Prometheus for the tests: Debian's `prometheus` package, or any that is on PATH."""

from __future__ import annotations

import json
import math
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.places import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
SELECTOR = re.compile(r"\b(?:hydrawatch_\w+|process_\w+|up)(?:\{[^}]*\})?")
RATE_INTERVAL = "10s"  # what Grafana puts for $__rate_interval: several scrapes
SCRAPE = "1s"
PATIENCE_S = 90.0


def binary(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where there is none."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt-get install prometheus)")
    return found


def rules() -> list[dict[str, Any]]:
    """All alerting rules."""
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def panel_expressions() -> Iterator[tuple[str, str]]:
    """(dashboard and panel, expression) of every query, as Grafana would send it at first."""
    for path in DASHBOARDS:
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            for target in panel["targets"]:
                expr = target["expr"].replace("$__rate_interval", RATE_INTERVAL)
                for variable in board["templating"]["list"]:
                    chosen = variable["current"]["value"]
                    expr = expr.replace("${" + variable["name"] + ":raw}", chosen)
                yield f"{path.stem}: {panel['title']}", expr


class Prometheus:
    """One that runs, and what it knows."""

    def __init__(self, url: str) -> None:
        self.url = url

    def values(self, expr: str, start: float, end: float) -> list[float]:
        """All finite values of an expression between two times; raises where it is no expression."""
        step = max(1.0, (end - start) / 500)
        given = {"query": expr, "start": start, "end": end, "step": step}
        answer = self._get("/api/v1/query_range?" + urllib.parse.urlencode(given))
        found = [
            float(value) for series in answer["data"]["result"] for _, value in series["values"]
        ]
        return [value for value in found if math.isfinite(value)]

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            self._get("/api/v1/query?query=vector(1)")
        except OSError:
            return False
        return True

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 400:
                raise AssertionError(error.read().decode()) from error
            raise


@contextmanager
def prometheus(directory: Path, target: str) -> Iterator[Prometheus]:
    """A Prometheus that scrapes one worker and evaluates our rules."""
    program = binary("prometheus")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = {
        "global": {"scrape_interval": SCRAPE, "evaluation_interval": SCRAPE},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "hydrawatch", "static_configs": [{"targets": [target]}]}],
    }
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    process = subprocess.Popen(
        [
            program,
            f"--config.file={path}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address={address}",
            "--log.level=error",
        ]
    )
    try:
        found = Prometheus(f"http://{address}")
        until = time.monotonic() + PATIENCE_S
        while not found.ready():
            assert process.poll() is None, "prometheus ended"
            assert time.monotonic() < until, "prometheus does not answer"
            time.sleep(0.2)
        yield found
    finally:
        process.terminate()
        process.wait(20)
