"""One world, told as request events and told as LiteLLM's records with a directory: the same alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pytest

from hydrawatch.fingerprints import Keys
from streams.intake.convert import Converter
from streams.intake.directory import Directory
from streams.settings.settings import Settings
from tests.integration.workers import Batch, replayed, two_days
from worlds import litellm

KEYS = Keys(b"a key that nobody else has", 1)
SETTINGS = Settings(partitions=4)
# What LiteLLM tells of a request as it is; ids and addresses it tells raw, accounts' own facts not at all.
AS_IT_IS = (
    *("event_id", "event_time", "model", "input_tokens", "output_tokens", "cached_tokens"),
    *(
        "reasoning_tokens",
        "stream",
        "tool_count",
        "status",
        "error_class",
        "latency_ms",
        "cost_usd",
    ),
    *litellm.OF_PROMPTS,
    *litellm.OF_PARAMETERS,
)
DIGESTED = {
    "account_id": "account",
    "org_id": "org",
    "api_key_id": "api_key",
    "session_id": "session",
}


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    return two_days()


def events_of(world: Sequence[Batch]) -> list[tuple[dict[str, Any], int]]:
    """The world's events with the times of their records."""
    return [
        (orjson.loads(value), at)
        for batch in world
        for value, at in zip(batch.values, batch.timestamps.tolist(), strict=True)
        if value is not None
    ]


def directory_of(events: Sequence[tuple[dict[str, Any], int]]) -> litellm.Directory:
    told = litellm.Directory()
    for event, _ in events:
        told.take(event)
    return told


def batch(keys: list[bytes], values: list[bytes | None], times: list[int]) -> list[Batch]:
    return [
        Batch(keys[n : n + 4000], values[n : n + 4000], np.array(times[n : n + 4000], np.int64))
        for n in range(0, len(keys), 4000)
    ]


def by_the_platform(events: Sequence[tuple[dict[str, Any], int]]) -> list[Batch]:
    """What a platform would write that makes its own events, with the intake's keys."""
    known = {one["account_id"]: one for one in directory_of(events).records()}
    keys: list[bytes] = []
    values: list[bytes | None] = []
    for event, _ in events:
        made = {name: event[name] for name in AS_IT_IS if name in event}
        made |= {
            name: KEYS.digest(kind, event[name]) for name, kind in DIGESTED.items() if name in event
        }
        if "ip_prefix_fp" in event:
            made["ip_prefix_fp"] = KEYS.address(litellm.address_of(event["ip_prefix_fp"]))
        about = known[event["account_id"]]
        made |= {name: about[name] for name in litellm.OF_ACCOUNTS if name in about}
        if about.get("account_created_at", 0) > event["event_time"]:
            del made["account_created_at"]
        made["id_epoch"] = KEYS.epoch
        keys.append(made["account_id"].encode())
        values.append(orjson.dumps(made))
    return batch(keys, values, [at for _, at in events])


def by_the_intake(
    events: Sequence[tuple[dict[str, Any], int]], directory: Directory | None
) -> list[Batch]:
    """What the intake makes of LiteLLM's records of the same requests."""
    converter = Converter(keys=KEYS, directory=directory)
    keys: list[bytes] = []
    values: list[bytes | None] = []
    for event, at in events:
        outcome = converter.convert("litellm", orjson.dumps(litellm.record(event)), received_ms=at)
        assert not outcome.refused
        assert not outcome.passed_over
        (made,) = outcome.events
        keys.append(made.key)
        values.append(made.value)
    return batch(keys, values, [at for _, at in events])


def test_litellm_with_a_directory_gives_the_alerts_of_events_byte_for_byte(
    world: list[Batch],
) -> None:
    events = events_of(world)
    directory = Directory()
    for one in directory_of(events).records():
        account = KEYS.digest("account", one["account_id"])
        assert directory.apply(account, one | {"account_id": account}) is None
    expected = replayed(SETTINGS, by_the_platform(events))
    found = replayed(SETTINGS, by_the_intake(events, directory))
    assert found == expected
    advised = {orjson.loads(one)["action"] for one in found}
    assert advised & {"verify", "restrict", "suspend"}, "the hydra is found"


def test_without_a_directory_nothing_above_observe_is_advised(world: list[Batch]) -> None:
    found = replayed(SETTINGS, by_the_intake(events_of(world), None))
    assert {orjson.loads(one)["action"] for one in found} <= {"observe"}
