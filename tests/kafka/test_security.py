"""Who may do what at a secured Kafka: every role its job and nothing else, by every credential."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiokafka.errors
import faust
import kafka.errors
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faust.types import TP
from kafka import KafkaAdminClient

from streams import topics
from streams.broker import (
    BrokerError,
    blocking_client_options,
    client_options,
    explained,
    faust_credentials,
    faust_urls,
)
from streams.commands.alerts import values
from streams.settings import Settings
from streams.transport import BULK_SETTINGS, BulkOptions, ChunkSchema, use_bulk_transport
from tests.integration.workers import (
    END_MS,
    HYDRAWATCH,
    Batch,
    published,
    replayed,
    send,
    variables,
    wait_for,
    worker,
)
from tests.kafka.certificates import Authority
from tests.kafka.roles import CLIENT_SECRET, PARTITIONS, PASSWORDS, ROLES, WAYS, Stage, secured
from worlds.world import build

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
SECRETS = (*PASSWORDS.values(), CLIENT_SECRET)
REFUSED = (
    aiokafka.errors.TopicAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    kafka.errors.AuthorizationError,
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with secured(tmp_path_factory.mktemp("secured")) as found:
        # The first act of the admin role: nobody else could.
        topics.create(found.settings("admin"), PARTITIONS, replication=1)
        yield found


# -- what a role may do -----------------------------------------------------------------------


async def writes(settings: Settings, topic: str) -> None:
    producer = AIOKafkaProducer(**client_options(settings), request_timeout_ms=10_000)
    await producer.start()
    try:
        await asyncio.wait_for(producer.send_and_wait(topic, b"{}", partition=0), 15)
    finally:
        await producer.stop()


async def reads(settings: Settings, topic: str) -> None:
    def read() -> bool:
        return any(True for _ in values(settings, topic, follow=False, from_beginning=True))

    assert await asyncio.to_thread(read), "nothing to read, and no refusal"


async def joins(settings: Settings, group: str, topic: str) -> None:
    """Be a member of a group, which takes partitions away from its other members."""
    consumer = AIOKafkaConsumer(
        topic, **client_options(settings), group_id=group, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        await asyncio.wait_for(consumer.getone(), 15)
    finally:
        await consumer.stop()


async def creates(settings: Settings, topic: str) -> None:
    def create() -> None:
        admin = KafkaAdminClient(**blocking_client_options(settings))
        try:
            admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}})
        finally:
            admin.close()

    await asyncio.to_thread(create)


Act = Callable[[Settings, str], Awaitable[None]]
ACTS: dict[str, Act] = {
    "write requests": lambda s, _: writes(s, s.requests_topic),
    "read requests": lambda s, _: reads(s, s.requests_topic),
    "write hand-overs": lambda s, _: writes(s, s.handover_topic),
    "read hand-overs": lambda s, _: reads(s, s.handover_topic),
    "write alerts": lambda s, _: writes(s, s.alerts_topic),
    "read alerts": lambda s, _: reads(s, s.alerts_topic),
    "write shadow alerts": lambda s, _: writes(s, s.shadow_topic),
    "read shadow alerts": lambda s, _: reads(s, s.shadow_topic),
    "write control": lambda s, _: writes(s, s.control_topic),
    "read control": lambda s, _: reads(s, s.control_topic),
    "write dead letters": lambda s, _: writes(s, s.dead_letters_topic),
    "read dead letters": lambda s, _: reads(s, s.dead_letters_topic),
    "join the workers": lambda s, _: joins(s, s.group, s.alerts_topic),
    "join enforcement": lambda s, _: joins(s, "hydrawatch-enforcement", s.alerts_topic),
    "create a topic": lambda s, role: creates(s, f"hydrawatch-by-{role}"),
}
MAY = {
    "worker": {
        "read requests", "read control", "read alerts", "read shadow alerts", "read hand-overs",
        "write hand-overs", "write alerts", "write shadow alerts", "write dead letters",
        "join the workers",
    },
    "gateway": {"write requests"},
    "enforcement": {"read alerts", "join enforcement"},
    "analyst": {"read alerts", "read shadow alerts", "write control"},
    "oncall": {"read dead letters", "write requests"},
    "admin": {"create a topic"},
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own, with a record on every topic: what is read here are no events."""
    with secured(tmp_path_factory.mktemp("filled")) as found:
        topics.create(found.settings("admin"), PARTITIONS, replication=1)
        for act, role in (
            ("write requests", "gateway"),
            ("write hand-overs", "worker"),
            ("write alerts", "worker"),
            ("write shadow alerts", "worker"),
            ("write control", "analyst"),
            ("write dead letters", "worker"),
        ):
            asyncio.run(ACTS[act](found.settings(role), role))  # type: ignore[arg-type]
        yield found


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_does_its_job_and_is_refused_every_other(filled: Stage, role: str) -> None:
    mine = filled.settings(role)
    done = set()
    for name, act in ACTS.items():
        try:
            await act(mine, role)
        except REFUSED:
            continue
        except BrokerError as error:
            if "AuthorizationFailed" in str(error):
                continue
            raise
        done.add(name)
    assert done == MAY[role]


def test_every_act_is_some_roles_job_and_no_role_may_do_all() -> None:
    assert set().union(*MAY.values()) == set(ACTS)
    assert all(len(MAY[role]) < len(ACTS) for role in ROLES)


# -- who one is -------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
async def test_every_client_connects_by_every_credential(
    filled: Stage, way: str, tmp_path: Path
) -> None:
    """aiokafka, kafka-python and Faust, over TLS."""
    mine = filled.settings("worker", way)
    await writes(mine, mine.alerts_topic)
    await reads(mine, mine.requests_topic)
    assert topics.verify(mine, PARTITIONS) == []
    app = faust.App(
        mine.group,
        broker=faust_urls(mine),
        broker_credentials=faust_credentials(mine),
        store="memory://",
        datadir=tmp_path,
        **BULK_SETTINGS,
    )

    async def beginning(_tp: TP) -> int:
        return 0

    use_bulk_transport(app, BulkOptions(frozenset({mine.requests_topic}), beginning))
    seen = asyncio.Event()

    async def read(stream: Any) -> AsyncIterator[None]:
        async for _ in stream.noack().events():
            seen.set()
            yield

    app.agent(app.topic(mine.requests_topic, schema=ChunkSchema(), internal=False))(read)
    await app.start()
    try:
        await asyncio.wait_for(seen.wait(), 30)
    finally:
        await app.stop()


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-512"])
async def test_a_wrong_password_is_an_error_that_says_so_and_not_the_password(
    filled: Stage, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Settings(
        **filled.settings("worker", way).model_dump(exclude={"sasl_password"}),
        sasl_password="not-the-password",
    )
    with (
        pytest.raises(BrokerError, match="refused the credentials of 'hydrawatch-worker'") as one,
        explained(wrong),
    ):
        await writes(wrong, wrong.alerts_topic)
    with pytest.raises(BrokerError, match="check HYDRAWATCH_SASL_") as two:
        await asyncio.to_thread(topics.verify, wrong, PARTITIONS)
    said = f"{one.value} {two.value} {caplog.text}"
    assert "not-the-password" not in said


async def test_a_token_that_the_broker_refuses_is_an_error_that_names_the_settings(
    filled: Stage,
) -> None:
    mine = filled.settings("worker", "token file")
    assert mine.oauth_token_file
    mine.oauth_token_file.write_text("no.such.token")
    with pytest.raises(BrokerError, match="HYDRAWATCH_OAUTH_"), explained(mine):
        await writes(mine, mine.alerts_topic)
    with pytest.raises(BrokerError, match="HYDRAWATCH_OAUTH_"):
        await asyncio.to_thread(topics.verify, mine, PARTITIONS)


async def test_an_endpoint_that_gives_no_token_is_named_by_both_clients(filled: Stage) -> None:
    mine = Settings(
        **filled.settings("worker", "token endpoint").model_dump(exclude={"oauth_client_secret"}),
        oauth_client_secret="not-the-secret",
    )
    with (
        pytest.raises(BrokerError, match="gave no token: 401 invalid_client") as one,
        explained(mine),
    ):
        await writes(mine, mine.alerts_topic)
    with pytest.raises(BrokerError, match="gave no token: 401 invalid_client") as two:
        await asyncio.to_thread(topics.verify, mine, PARTITIONS)
    assert "not-the-secret" not in f"{one.value} {two.value}"


async def test_a_broker_with_a_strangers_certificate_is_not_trusted(
    filled: Stage, tmp_path: Path
) -> None:
    stranger = Authority.create(tmp_path)
    mine = filled.settings("worker").model_copy(update={"tls_ca": stranger.certificate})
    with pytest.raises(BrokerError, match="CERTIFICATE_VERIFY_FAILED"), explained(mine):
        await writes(mine, mine.alerts_topic)


async def test_a_client_without_a_certificate_does_not_get_in_where_one_is_asked_for(
    filled: Stage,
) -> None:
    with_one = filled.settings("worker", "certificate")
    without = with_one.model_copy(update={"tls_cert": None, "tls_key": None})
    await writes(with_one, with_one.alerts_topic)
    with pytest.raises(BrokerError, match="no broker answers"), explained(without):
        await writes(without, without.alerts_topic)


# -- the worker -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> list[Batch]:
    records = build(3, 1.0, 200, END_MS).chunks(4_000)
    return [Batch(list(r.keys), list(r.values), r.timestamps) for r in records]


def test_a_worker_says_what_replay_says_by_scram_and_tls_with_just_its_rights(
    stage: Stage, world: list[Batch], tmp_path: Path
) -> None:
    mine = stage.settings("worker", "SCRAM-SHA-512")
    expected = replayed(mine, world)
    assert expected
    with worker(mine, tmp_path):
        send(stage.settings("gateway"), world)
        assert wait_for(stage.settings("enforcement"), len(expected)) == expected
    reader = stage.settings("analyst")
    assert len(list(values(reader, reader.alerts_topic, False, True))) == len(expected)
    # The same again by mutual TLS: what is on the topic is read, and none of it said twice.
    with worker(stage.settings("worker", "certificate"), tmp_path):
        assert wait_for(stage.settings("enforcement", "certificate"), len(expected)) == expected


def test_a_worker_without_rights_ends_and_says_what_it_lacks(stage: Stage, tmp_path: Path) -> None:
    mine = stage.settings("gateway")
    done = subprocess.run(
        [str(HYDRAWATCH), "worker"],
        env={**variables(mine), "HYDRAWATCH_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert re.search("TopicAuthorizationFailed|deploy/kafka/acls.sh", done.stderr), done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in SECRETS)


def test_no_secret_is_in_what_a_worker_logs(stage: Stage, tmp_path: Path) -> None:
    """At the most talkative level, through connection, authentication and a stop."""
    for way in ("PLAIN", "token endpoint"):
        mine = stage.settings("worker", way)
        log = tmp_path / "log"
        process = subprocess.Popen(
            [str(HYDRAWATCH), "worker"],
            env={
                **variables(mine),
                "HYDRAWATCH_DATA_DIR": str(tmp_path),
                "HYDRAWATCH_METRICS_PORT": "0",
                "HYDRAWATCH_LOG_LEVEL": "debug",
            },
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
        )
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(20)
        said = log.read_text()
        assert "worker starts" in said
        assert "kafka" in said
        assert not any(secret in said for secret in SECRETS)
        assert "Bearer ey" not in said
        assert published(stage.settings("enforcement")) is not None
