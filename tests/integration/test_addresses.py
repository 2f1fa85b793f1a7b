"""One address that hangs decides nothing: any that answers is enough, wherever it stands in the list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.kafka.connection import NoAnswerError
from streams.kafka.embedded_broker import free_port
from streams.kafka.producers import brief_producer
from streams.kafka.reader import read_all, reader
from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.create import create_topics
from tests.brokers import fresh_broker
from tests.doors import KINDS, SILENT, UNREACHABLE, nobody
from tests.integration.watched import Watched
from tests.integration.workers import hydrawatch, worker

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]

STARTS = 20
# A client's own patience with one address is 10 s or more: whoever waits for one that hangs is late.
PATIENCE_S = 8.0


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with fresh_broker() as address:
        create_topics(Settings(broker=address, partitions=2), 2, replication=1)
        yield address


@pytest.fixture(params=KINDS)
def other(request: pytest.FixtureRequest) -> Iterator[str]:
    with nobody(request.param) as address:
        yield address


@pytest.fixture(params=["first", "last", "around"])
def settings(request: pytest.FixtureRequest, broker: str, other: str) -> Settings:
    addresses = {
        "first": [other, broker],
        "last": [broker, other],
        "around": [other, broker, other],
    }
    return Settings(broker=",".join(addresses[request.param]), partitions=2)


def test_topics_are_looked_at_20_of_20_times(settings: Settings) -> None:
    for _ in range(STARTS):
        assert status.look(settings, 2, answer_ms=int(PATIENCE_S * 1000)).problems == []


async def test_readers_start_20_of_20_times(settings: Settings) -> None:
    async def start() -> None:
        async with reader(settings, settings.control_topic, [0]) as consumer:
            assert consumer.assignment()

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(start() for _ in range(STARTS)))


async def test_what_is_written_and_read_goes_through_the_address_that_answers(
    settings: Settings,
) -> None:
    topic = settings.dead_letters_topic
    async with asyncio.timeout(PATIENCE_S):
        async with brief_producer(settings) as producer:
            await producer.send_and_wait(topic, b"letter", partition=0)
        found = [record.value async for record in read_all(settings, topic, [0])]
    assert found[-1] == b"letter"


def test_every_command_works_between_two_addresses_that_hang(broker: str) -> None:
    with nobody(SILENT) as one, nobody(UNREACHABLE) as other:
        settings = Settings(broker=f"{one},{broker},{other}", partitions=2)
        for arguments in (
            ("check", "--topics"),
            ("topics", "create"),
            ("topics", "verify"),
            ("state", "show"),
            ("alerts", "--no-follow", "--from-beginning"),
        ):
            done = hydrawatch(settings, *arguments)
            assert done.returncode == 0, f"{arguments}: {done.stderr}"
        # No worker runs: the request is written down, and nobody has answered it.
        done = hydrawatch(settings, "forget", "somebody", "--wait", "0")
        assert "the request stands" in done.stderr


def test_a_worker_is_ready_between_two_addresses_that_hang(broker: str, tmp_path: Path) -> None:
    with nobody(SILENT) as one, nobody(UNREACHABLE) as other:
        settings = Settings(
            broker=f"{one},{broker},{other}", partitions=2, metrics_port=free_port(), stall_s=4.0
        )
        with worker(settings, tmp_path) as process:
            watched = Watched(process, settings.metrics_port)
            watched.until("not ready", lambda: not watched.reasons())
            assert watched.total("hydrawatch_broker_silent") == 0


def test_where_none_answers_it_is_said(other: str) -> None:
    settings = Settings(broker=f"{other},{other}", partitions=2)
    with pytest.raises(NoAnswerError, match="no broker answers at"):
        status.look(settings, 2, answer_ms=2_000)
