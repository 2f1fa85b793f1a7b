"""Trouble on a worker's own machine: a clock that jumps, a disk that takes nothing."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from pathlib import Path

import pytest

from streams.kafka.embedded_broker import free_port
from tests.integration.watched import Watched
from tests.integration.workers import (
    HYDRAWATCH,
    Batch,
    environment,
    published,
    replayed,
    send,
    stage,
    two_days,
    wait_for,
    worker,
)

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]

CLOCK = Path(__file__).parent / "clock"
HOUR_S = 3600.0


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return two_days(300)


def test_a_clock_that_jumps_by_hours_changes_nothing(
    world: list[Batch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    monkeypatch.setenv("PYTHONPATH", str(CLOCK))
    monkeypatch.setenv("JUMPING_CLOCK", str(clock))
    quarter = len(world) // 4
    with stage() as fresh:
        settings = fresh.model_copy(update={"metrics_port": free_port()})
        expected = replayed(settings, world)
        with worker(settings, tmp_path) as process:
            watched = Watched(process, settings.metrics_port)
            for part, hours in enumerate((0, 30, -20, 5)):
                clock.write_text(str(hours * HOUR_S))
                there = quarter * part
                send(settings, world[there : there + quarter if part < 3 else len(world)])
                time.sleep(3)  # longer than an idle partition is waited for
                if part == 1:
                    _is_off(watched, 30 * HOUR_S)
            assert wait_for(settings, len(expected)) == expected
            watched.until("not ready", lambda: not watched.reasons())


def _is_off(watched: Watched, seconds: float) -> None:
    """The worker's clock is off indeed, by what it shows of when it kept state."""
    shown = "hydrawatch_snapshot_timestamp_seconds"

    def latest() -> float:
        series = watched.series(shown)
        return max((watched.total(shown, **dict(labels)) for labels in series), default=0.0)

    watched.until("its clock is right", lambda: latest() - time.time() > seconds / 2)


def test_a_worker_needs_no_disk_once_its_kernels_are_there(
    world: list[Batch], tmp_path: Path
) -> None:
    with stage() as settings:
        expected = replayed(settings, world)
        missing = tmp_path / "no-folder" / "here"
        process = _limited(
            0, settings_of=environment(settings) | {"HYDRAWATCH_DATA_DIR": str(missing)}
        )
        try:
            send(settings, world)
            assert wait_for(settings, len(expected)) == expected
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(60)


def test_a_worker_that_cannot_keep_its_kernels_says_so(tmp_path: Path) -> None:
    with stage() as settings:
        cache = {"NUMBA_CACHE_DIR": str(tmp_path)}
        process = _limited(1024, settings_of=environment(settings) | cache)
        _, said = process.communicate(timeout=120)
        assert process.returncode == 2
        assert b"NUMBA_CACHE_DIR" in said
        assert b"Traceback" not in said
        assert published(settings) == []


def _limited(file_bytes: int, settings_of: dict[str, str]) -> subprocess.Popen[bytes]:
    """A worker that can write no file beyond so many bytes, as on a full disk."""
    process = subprocess.Popen(
        [str(HYDRAWATCH), "worker"], env={**os.environ, **settings_of}, stderr=subprocess.PIPE
    )
    # It is Python that starts yet: a worker writes nothing before it has looked at its topics.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    return process
