"""Who may do what at a secured Kafka: every role its job and nothing else, by every credential."""

from __future__ import annotations

import asyncio
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

from streams.bulk.driver import use_bulk_transport
from streams.bulk.options import BULK_SETTINGS, BulkOptions, ChunkSchema
from streams.commands.alerts import values
from streams.kafka.connection import (
    BrokerError,
    blocking_client_options,
    client_options,
    explained,
    faust_credentials,
    faust_urls,
)
from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.create import create_topics
from tests.kafka.certificates import Authority
from tests.kafka.roles import PARTITIONS, ROLES, WAYS, Stage, secured

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(500)]
REFUSED = (
    aiokafka.errors.TopicAuthorizationFailedError,
    aiokafka.errors.GroupAuthorizationFailedError,
    kafka.errors.AuthorizationError,
)


# -- what a role may do -----------------------------------------------------------------------


async def writes(settings: Settings, topic: str) -> None:
    producer = AIOKafkaProducer(**client_options(settings), request_timeout_ms=10_000)
    await producer.start()
    try:
        await asyncio.wait_for(producer.send_and_wait(topic, b"{}", b"key", partition=0), 15)
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
    "write accounts": lambda s, _: writes(s, s.accounts_topic),
    "read accounts": lambda s, _: reads(s, s.accounts_topic),
    "join the intake": lambda s, _: joins(s, "hydrawatch-intake.logs", s.accounts_topic),
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
    "intake": {"write requests", "write dead letters", "read accounts", "join the intake"},
    "directory": {"write accounts"},
    "enforcement": {"read alerts", "join enforcement"},
    "analyst": {"read alerts", "read shadow alerts", "write control"},
    "oncall": {"read dead letters", "write requests"},
    "admin": {"create a topic"},
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own, with a record on every topic: what is read here are no events."""
    with secured(tmp_path_factory.mktemp("filled")) as found:
        create_topics(found.settings("admin"), PARTITIONS, replication=1)
        for act, role in (
            ("write requests", "gateway"),
            ("write hand-overs", "worker"),
            ("write alerts", "worker"),
            ("write shadow alerts", "worker"),
            ("write control", "analyst"),
            ("write dead letters", "worker"),
            ("write accounts", "directory"),
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
    assert status.verify(mine, PARTITIONS) == []
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


async def refused_to_both_clients(settings: Settings, match: str) -> str:
    """What aiokafka and kafka-python say, both of which must match."""
    with pytest.raises(BrokerError, match=match) as one, explained(settings):
        await writes(settings, settings.alerts_topic)
    with pytest.raises(BrokerError, match=match) as two:
        await asyncio.to_thread(status.verify, settings, PARTITIONS)
    return f"{one.value} {two.value}"


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
        await asyncio.to_thread(status.verify, wrong, PARTITIONS)
    said = f"{one.value} {two.value} {caplog.text}"
    assert "not-the-password" not in said


async def test_a_token_that_the_broker_refuses_is_an_error_that_names_the_settings(
    filled: Stage,
) -> None:
    mine = filled.settings("worker", "token file")
    assert mine.oauth_token_file
    mine.oauth_token_file.write_text("no.such.token")
    await refused_to_both_clients(mine, "HYDRAWATCH_OAUTH_")


async def test_an_endpoint_that_gives_no_token_is_named_by_both_clients(filled: Stage) -> None:
    mine = Settings(
        **filled.settings("worker", "token endpoint").model_dump(exclude={"oauth_client_secret"}),
        oauth_client_secret="not-the-secret",
    )
    said = await refused_to_both_clients(mine, "gave no token: 401 invalid_client")
    assert "not-the-secret" not in said


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
