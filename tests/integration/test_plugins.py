"""A detector of another package: installed beside hydrawatch, its evidence stands in a worker's alerts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest

from detectors.errors import ConfigError
from streams.settings.plugins import plugins
from streams.settings.settings import Settings
from tests.integration.workers import (
    END_MS,
    Batch,
    hydrawatch,
    replayed,
    send,
    stage,
    wait_for,
    worker,
)
from tests.places import TESTS
from tests.stage_stories import HOUR, request

HOURS = 60


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was installed as anybody would, from its sources."""
    folder = tmp_path_factory.mktemp("site")
    sources = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "account_bursts.py"):
        (sources / name).write_bytes((TESTS / "plugin" / name).read_bytes())
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(sources)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def beside(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package is found, in this process and in those that it starts."""
    monkeypatch.syspath_prepend(str(installed))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed), *sys.path[1:2]]))
    return installed


def bursting() -> list[Batch]:
    """Thirty accounts, 20 requests an hour; in the last hours one draws two thousand times as much."""
    start = END_MS - HOURS * HOUR
    made: list[tuple[int, bytes, bytes]] = []
    for hour in range(HOURS):
        for n in range(30):
            burst = n == 0 and hour >= HOURS - 3
            for i in range(20):
                at = start + hour * HOUR + i * 170_000 + n
                event = request(
                    0, at, f"a-{n}", event_id=f"{n}-{hour}-{i}",
                    output_tokens=400_000 if burst else 200 + 3 * i,
                )  # fmt: skip
                made.append((at, event["account_id"].encode(), orjson.dumps(event)))
    made.sort()
    return [
        Batch([k for _, k, _ in some], [v for _, _, v in some], np.array([t for t, _, _ in some]))
        for some in (made[at : at + 2_000] for at in range(0, len(made), 2_000))
    ]


def speaking(alerts: list[bytes]) -> dict[str, set[str]]:
    """By account, which detectors its alerts cite."""
    said: dict[str, set[str]] = {}
    for alert in map(orjson.loads, alerts):
        cited = said.setdefault(alert["account_id"], set())
        cited.update(e["detector"] for e in alert["evidence"])
    return said


@pytest.mark.broker
def test_a_worker_runs_it_and_goes_on_with_its_memory_after_a_kill(
    beside: Path, tmp_path: Path
) -> None:
    records = bursting()
    with stage(2) as settings:
        expected = replayed(settings, records)
        assert speaking(expected) == {"a-0": {"bursts.v1"}}
        with worker(settings, tmp_path) as first:
            send(settings, records[: len(records) - 3])
            wait_for(settings, 0)
            first.kill()
        with worker(settings, tmp_path):
            send(settings, records[len(records) - 3 :])
            assert wait_for(settings, len(expected)) == expected


def test_its_thresholds_are_a_section_like_any_other(beside: Path, tmp_path: Path) -> None:
    toml = tmp_path / "detectors.toml"
    toml.write_text("[bursts]\nmin_surprise = 12.5\n")
    done = hydrawatch(Settings(), "check", "--json", HYDRAWATCH_CONFIG=str(toml))
    report: dict[str, Any] = orjson.loads(done.stdout)
    assert report["detectors"]["bursts.min_surprise"]["value"] == 12.5
    toml.write_text("[bursts]\nmin_suprise = 12.5\n")
    done = hydrawatch(Settings(), "check", "--json", HYDRAWATCH_CONFIG=str(toml))
    assert done.returncode == 2
    assert "did you mean 'bursts.min_surprise'?" in done.stdout


def test_one_that_cannot_be_loaded_is_named_with_the_mend(
    beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "account_bursts", None)
    with pytest.raises(ConfigError, match=r"hydrawatch-bursts: its detector 'bursts' .* uninstall"):
        plugins()


class Exits(ModuleType):
    """Leaves when it is asked for anything."""

    def __getattr__(self, name: str) -> Any:
        raise SystemExit(name)


def test_one_that_leaves_or_has_no_card_is_named(
    beside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "account_bursts", Exits("account_bursts"))
    with pytest.raises(ConfigError, match=r"hydrawatch-bursts: its detector .* SystemExit"):
        plugins()
    cardless = ModuleType("account_bursts")
    cardless.Bursts = SimpleNamespace(card=SimpleNamespace(name="bursts"))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "account_bursts", cardless)
    with pytest.raises(ConfigError, match=r"hydrawatch-bursts: account_bursts:Bursts has no card"):
        plugins()


def test_a_package_that_lies_over_ours_is_refused(beside: Path) -> None:
    stranger = beside / "worlds-9.9.dist-info"
    stranger.mkdir()
    (stranger / "METADATA").write_text("Metadata-Version: 2.1\nName: worlds\nVersion: 9.9\n")
    try:
        with pytest.raises(ConfigError, match=r"'worlds' is installed here and lies over"):
            plugins()
    finally:
        (stranger / "METADATA").unlink()
        stranger.rmdir()
