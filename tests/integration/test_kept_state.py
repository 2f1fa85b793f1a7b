"""`hydrawatch state`: shows what the workers keep, and forgets it once they have stopped."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.state import inspect
from streams.state.placement import stage_at
from tests.brokers import EMBEDDED, KAFKA, chosen
from tests.integration.workers import (
    hydrawatch,
    replayed,
    send,
    stage,
    two_days,
    wait_for,
    worker,
)

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
STAGES = [("accounts", 0), ("accounts", 1), ("keys", 0), ("keys", 1), ("owner", 0)]


def shown(settings: Settings) -> list[dict[str, Any]]:
    done = hydrawatch(settings, "state", "show", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_place_of_the_state_topic_is_one_stage() -> None:
    assert [stage_at(place, 5) for place in range(5)] == STAGES
    assert stage_at(2, 3) == ("owner", 0)


def test_kept_state_is_shown_refused_to_be_reset_while_in_use_and_then_forgotten(
    tmp_path: Path,
) -> None:
    world = two_days(300)
    with stage(2) as settings:
        assert [one["kept_at"] for one in shown(settings)] == [None] * 5
        expected = replayed(settings, world)
        with worker(settings, tmp_path):
            send(settings, world)
            assert wait_for(settings, len(expected)) == expected
            refused = hydrawatch(settings, "state", "reset", "--yes")
            assert refused.returncode == 1
            assert "stop the workers first" in refused.stderr
        kept = shown(settings)
        assert [(one["stage"], one["partition"]) for one in kept] == STAGES
        assert sum(one["next_offset"] for one in kept[:2]) == sum(len(b.keys) for b in world)
        assert all(one["entries"] >= 1 and one["bytes"] > 0 and one["origin"] for one in kept)
        other = settings.model_copy(
            update={"hash_key": type(settings.hash_key)("another-key-" * 2)}
        )
        found = asyncio.run(inspect.look(other, configured(other)))
        assert {one.problem for one in found} == {"kept with another HYDRAWATCH_HASH_KEY"}

        asked = hydrawatch(settings, "state", "reset")
        assert asked.returncode == 2
        assert shown(settings) == kept
        free = settings.model_copy(update={"group": "hydrawatch-other"})
        # The embedded broker never hears that a member left; another group has none.
        done = hydrawatch(free, "state", "reset", "--yes", "--json")
        assert done.returncode == 0, done.stderr
        how = {EMBEDDED: "topic created anew", KAFKA: "records deleted"}[chosen()]
        assert json.loads(done.stdout)["how"] == how
        assert [one["kept_at"] for one in shown(settings)] == [None] * 5
        with worker(settings, tmp_path):
            until = time.monotonic() + 180
            while sum(one["next_offset"] for one in shown(settings)[:2]) < len(world):
                assert time.monotonic() < until
                time.sleep(1)
            assert wait_for(settings, len(expected)) == expected


def test_records_that_are_no_kept_state_are_a_finding_and_exit_code_1() -> None:
    async def spoil(settings: Settings) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
        await producer.start()
        await producer.send_and_wait(settings.state_topic, b"nonsense", partition=1)
        await producer.stop()

    with stage(2) as settings:
        asyncio.run(spoil(settings))
        done = hydrawatch(settings, "state", "show")
        assert done.returncode == 1
        assert (
            "accounts 1: hydrawatch-state [1], offset 0: not a record of kept state" in done.stderr
        )
