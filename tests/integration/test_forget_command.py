"""`hydrawatch forget` beside running workers: erased once, at one place, also after a restart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path

import orjson
import pytest

from detectors.config import Loaded
from detectors.contract.alert import Alert, decode
from detectors.engine import Engine
from detectors.kernels.partitioner import partition_of
from streams.commands.alerts import values
from streams.kafka.embedded_broker import free_port
from streams.kafka.producers import brief_producer
from streams.settings.detectors_toml import configured
from streams.settings.settings import SHADOW_NAMES, Settings
from streams.topics import other_mode
from streams.topics.create import create_topics
from streams.topics.plan import PLANS
from tests.integration.workers import (
    HYDRAWATCH,
    Batch,
    environment,
    hydrawatch,
    published,
    replayed,
    send,
    stage,
    two_days,
    wait_for,
    worker,
)
from tests.stage_stories import request

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return two_days()


def forget(settings: Settings, account: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(HYDRAWATCH), "forget", "-", "--json", *more],
        env=environment(settings) | {"HYDRAWATCH_LOG_LEVEL": "debug"},
        input=account,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def alerts_about(settings: Settings, account: str) -> list[Alert]:
    told = values(settings, settings.alerts_topic, follow=False, from_beginning=True)
    return [alert for raw in told if (alert := decode(raw)).account_id == account]


def as_replayed(
    loaded: Loaded, settings: Settings, world: list[Batch], cut: int, account: str
) -> list[bytes]:
    """Bodies of alerts when the account is erased after so many batches."""
    from detectors.contract.alert import body

    engine = Engine(loaded, settings.hash_key_bytes())
    found = []
    for number, batch in enumerate(world):
        if number == cut:
            engine.erase(account)
        found += engine.feed(engine.decode(batch.values, batch.timestamps))
    return [body(alert) for alert in found]


def test_a_running_worker_erases_an_account_and_a_successor_does_not_bring_it_back(
    world: list[Batch], tmp_path: Path
) -> None:
    cut = len(world) * 5 // 6
    with stage(2) as settings:
        loaded = configured(settings)
        early = replayed(settings, world[:cut])
        account = str(
            next(a["account_id"] for a in map(orjson.loads, early) if a["action"] != "observe")
        )
        expected = as_replayed(loaded, settings, world, cut, account)
        assert expected != replayed(settings, world)
        with worker(settings, tmp_path) as first:
            send(settings, world[:cut])
            assert wait_for(settings, len(early)) == early
            done = forget(settings, account)
            assert done.returncode == 0, done.stderr
            assert account not in done.stdout + done.stderr
            said = json.loads(done.stdout)
            assert said["erased"]
            assert (said["other_mode"], said["repeat_with"]) == ("absent", None)
            assert {one["topic"] for one in said["remains"]} == {
                plan.name(settings) for plan in PLANS
            }
            first.kill()
            first.wait()
        with worker(settings, tmp_path):
            send(settings, world[cut:])
            wait_for(settings, len(expected))
        assert sorted(published(settings)) == sorted(expected)
        about = alerts_about(settings, account)
        ends = [a for a in about if a.state == "resolved"]
        assert [a.explanation for a in ends][:1] == [
            "Resolved: the account was erased on request, and with it what this alert rested on."
        ]


def test_an_account_that_was_spread_is_erased_in_all_partitions_and_never_erased_where_it_is_not(
    tmp_path: Path,
) -> None:
    with stage(3) as settings:
        asyncio.run(_without_keys(settings, 600))
        checked = hydrawatch(settings, "check", "--topics")
        assert checked.returncode == 1
        assert "placement: 400 of 600 requests lie elsewhere" in checked.stdout
        assert "100.0% have no key" in checked.stderr
        assert "partitioner=murmur2_random" in checked.stderr
        with worker(settings, tmp_path):
            found: set[int] = set()
            while (
                len(found) < 3
            ):  # what the worker has read; the request holds where it stands then
                said = json.loads(forget(settings, "a-7").stdout)
                assert said["unanswered"] == []
                assert said["erased"] == bool(said["found_in"])
                assert sorted(said["found_in"] + said["not_found_in"]) == [0, 1, 2]
                assert not found & set(said["found_in"])
                found.update(said["found_in"])
            done = forget(settings, "a-7")
            assert done.returncode == 0
            assert json.loads(done.stdout)["erased"] is False
            told = hydrawatch(settings, "forget", "nobody").stdout
            assert "nothing was erased: it was not found in account partition 0, 1, 2" in told
            assert "\nerased" not in told
            told = hydrawatch(settings, "forget", "a-8").stdout
            assert told.startswith("erased from account partition 0, 1, 2\n")
            home = partition_of(b"a-8", 3)
            assert f"It belongs in partition {home}, by murmur2 of account_id" in told


async def _without_keys(settings: Settings, count: int) -> None:
    """Requests of twenty accounts, dealt to the partitions in turn so that a third is where it belongs."""
    now = time.time_ns() // 1_000_000
    async with brief_producer(settings) as producer:
        for n in range(count):
            account = f"a-{n // 3 % 20}"
            event = request(n, now - count + n, account)
            await producer.send(settings.requests_topic, orjson.dumps(event), partition=n % 3)
        await producer.flush()


def test_without_a_worker_the_request_stands_and_the_exit_code_is_1() -> None:
    with stage(2) as settings:
        done = forget(settings, "a-1", "--wait", "0")
        assert done.returncode == 1
        said = json.loads(done.stdout)
        assert (said["erased"], said["unanswered"]) == (False, [0, 1])


def test_what_the_pipeline_of_the_other_mode_holds_is_told_with_how_to_erase_it_there() -> None:
    with stage(2) as live:
        shadow = Settings(broker=live.broker, partitions=2, mode="shadow")
        create_topics(shadow, 2, replication=1)
        apart = {setting for setting in SHADOW_NAMES if setting.endswith("_topic")}
        for mine, other in ((live, shadow), (shadow, live)):
            said = json.loads(forget(mine, "a-1", "--wait", "0").stdout)
            assert said["other_mode"] == "present"
            assert said["repeat_with"] == f"HYDRAWATCH_MODE={other.mode}"
            held = {(one["mode"], one["topic"]): one["days"] for one in said["remains"]}
            assert held == {(mine.mode, p.name(mine)): p.keep_days or None for p in PLANS} | {
                (other.mode, p.name(other)): p.keep_days or None
                for p in PLANS
                if p.setting in apart
            }
        told = hydrawatch(live, "forget", "a-1", "--wait", "0").stdout
        assert "hydrawatch.dead-letters.shadow.v1" in told
        assert "repeat it with HYDRAWATCH_MODE=shadow" in told
        assert "no fixed time" in told


def test_what_cannot_be_seen_of_the_other_mode_is_not_called_absent() -> None:
    nobody = Settings(broker=f"127.0.0.1:{free_port()}")
    assert other_mode.look(nobody, answer_ms=200).sight == "not seen"
