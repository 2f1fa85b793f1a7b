"""`hydrawatch redrive`: what can be read by now goes back once, unchanged; the rest is told."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import orjson
import pytest

from streams.kafka.reader import read_all
from streams.observe.metrics import Metrics
from streams.records.redrive import Wanted, redrive, since_ms
from streams.settings.detectors_toml import configured
from streams.settings.settings import Settings
from streams.stages.dead_letters import DeadLetter, cut, dead_letter
from streams.stages.sink import Sink
from tests.integration.workers import hydrawatch, stage
from tests.stage_stories import request

pytestmark = [pytest.mark.broker, pytest.mark.timeout(500)]
COMMAND = ("redrive", "--json")
HOUR = 3_600_000


def letters(settings: Settings, now: int) -> list[DeadLetter]:
    """One letter of each fate, and two that are ready."""

    def of(offset: int, value: bytes | None, **more: Any) -> DeadLetter:
        about = {"topic": settings.requests_topic, "partition": 1, "error": "wrong_type"} | more
        return dead_letter(b"a", value, offset=offset, stage="receiving", message="", **about)

    ready, late = (orjson.dumps(request(n, now - n * HOUR)) for n in range(2))
    release = {"control_id": "c", "kind": "model_release", "at": now, "model": "m"}
    control = {"topic": settings.control_topic, "partition": 0}
    return [
        of(1, ready),
        of(1, ready),  # once more, after a restart
        of(2, late),
        of(3, b"{}"),
        cut(of(4, b"x" * 20_000)),
        of(5, ready, topic="another.topic"),
        of(6, ready, error="out_of_range"),
        of(7, orjson.dumps(release), **control),
    ]


async def put_aside(settings: Settings, made: list[DeadLetter]) -> None:
    sink = Sink(settings, Metrics())
    await sink.start()
    for letter in made:
        await (await sink.dead_letter(letter))
    await sink.stop()


async def held(settings: Settings, topic: str) -> list[tuple[int, bytes | None, bytes | None]]:
    return [(r.partition, r.key, r.value) async for r in read_all(settings, topic, None)]


def test_what_can_be_read_by_now_goes_back_unchanged_and_the_rest_is_counted() -> None:
    now = time.time_ns() // 1_000_000
    with stage(2) as settings:
        made = letters(settings, now)
        asyncio.run(put_aside(settings, made))
        counted = hydrawatch(settings, *COMMAND, "--reason", "wrong_type")
        assert counted.returncode == 1  # some cannot go back
        found = json.loads(counted.stdout)
        fates = {"ready": 2, "late": 1, "cut": 1, "refused": 1, "foreign": 1, "repeated": 1}
        assert found == {
            "fates": fates,
            "reasons": {"wrong_type": 7},
            "sent": 0,
            "dry_run": True,
        }
        assert asyncio.run(held(settings, settings.requests_topic)) == []

        sent = hydrawatch(settings, *COMMAND, "--reason", "wrong_type", "--yes")
        assert json.loads(sent.stdout) == found | {"sent": 3, "dry_run": False}
        back = asyncio.run(held(settings, settings.requests_topic))
        assert back == [(1, b"a", made[0].value), (1, b"a", made[2].value)]
        assert asyncio.run(held(settings, settings.control_topic)) == [(0, b"a", made[-1].value)]

        only = hydrawatch(
            settings, *COMMAND, "--reason", "out_of_range", "--since", str(now - HOUR)
        )
        assert (only.returncode, json.loads(only.stdout)["fates"]["ready"]) == (0, 1)
        later = asyncio.run(
            redrive(settings, configured(settings), Wanted(since=now + HOUR), send=True)
        )
        assert (later.sent, sum(later.fates.values())) == (0, 0)


def test_what_came_to_a_place_of_a_topic_that_was_made_anew_goes_back_too() -> None:
    now = time.time_ns() // 1_000_000
    with stage(2) as settings:
        (ready, *_) = letters(settings, now)
        values = [ready.value, orjson.dumps(request(8, now)), orjson.dumps(request(9, now - HOUR))]
        keys = [b"a", b"a", b"a", b"b"]
        values.append(values[-1])  # the same under another key
        anew = [ready._replace(key=k, value=v) for k, v in zip(keys, values, strict=True)]
        asyncio.run(put_aside(settings, [*anew, ready, *anew]))
        sent = hydrawatch(settings, *COMMAND, "--yes")
        found = json.loads(sent.stdout)
        assert sent.returncode == 0
        assert {fate: n for fate, n in found["fates"].items() if n} == {
            "ready": 2,
            "late": 2,
            "repeated": 5,
        }
        assert found["sent"] == 4
        back = asyncio.run(held(settings, settings.requests_topic))
        assert sorted(back, key=str) == sorted(
            ((1, k, v) for k, v in zip(keys, values, strict=True)), key=str
        )


def test_a_time_is_read_as_people_write_it() -> None:
    assert since_ms("1777000000000") == 1_777_000_000_000
    assert since_ms("2026-04-24T03:06:40") == since_ms("2026-04-24T05:06:40+02:00")
    assert since_ms("2026-04-24T03:06:40") == 1_777_000_000_000
