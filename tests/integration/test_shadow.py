"""On trial beside a live worker: it hears nothing of it, and nothing of a trial is live."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streams.kafka.embedded_broker import free_port
from streams.settings.settings import Settings
from streams.topics.create import create_topics
from tests.integration.watched import Watched
from tests.integration.workers import (
    Batch,
    published,
    replayed,
    send,
    stage,
    wait_for,
    worker,
)

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
# So sensitive that two days of a small world give it something to say.
ON_TRIAL = (
    "[volume]\nshadow = true\nmin_requests = 1\nnewcomer_requests = 1\nmin_surprise = 1.0\n"
    "min_windows = 2\n[fusion]\nfamily_floor_nats = 0.5\nprior_nats = 0.0\n"
)
OTHER = "[births]\nmin_surprise = 9.0\n"


def configured_by(settings: Settings, folder: Path, text: str, **more: Any) -> Settings:
    """The settings with a detectors.toml of their own."""
    folder.mkdir()
    path = folder / "detectors.toml"
    path.write_text(text)
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    return Settings(**{**given, "config": path, **more})


def test_a_shadow_worker_beside_a_live_one_with_a_detector_on_trial(
    world: list[Batch], tmp_path: Path
) -> None:
    with stage(2) as plain:
        port = free_port()
        live = configured_by(plain, tmp_path / "live", ON_TRIAL)
        shadow = configured_by(plain, tmp_path / "shadow", OTHER, mode="shadow", metrics_port=port)
        create_topics(shadow, 2, replication=1)
        expected = replayed(live, world, mode="live")
        tried = replayed(live, world, mode="shadow")
        other = replayed(shadow, world, mode="shadow")
        assert expected
        assert tried != other
        with worker(live, tmp_path / "live"):
            with worker(shadow, tmp_path / "shadow") as process:
                send(plain, world[: len(world) // 2])
                watched = Watched(process, port)
                watched.until("not ready", watched.ready)
                assert watched.total("hydrawatch_ready", worker_mode="shadow") == 1
            with worker(shadow, tmp_path / "shadow"):
                send(plain, world[len(world) // 2 :])
                assert wait_for(live, len(expected)) == expected
                both = wait_for(shadow, len(tried) + len(other))
        assert sorted(both) == sorted(tried + other)
        assert published(live) == expected
