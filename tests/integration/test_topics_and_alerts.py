"""Topics and the alert viewer at a broker: what is created, found wrong, and read."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

from detectors.errors import ConfigError
from detectors.kernels.partitioner import partition_of
from streams.commands.alerts import values
from streams.records.produce import produce
from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.create import create_topics
from streams.topics.plan import OF_WORKERS, PLANS
from streams.topics.status import partition_count
from tests.brokers import fresh_broker

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with fresh_broker() as broker:
        yield broker


def settings(address: str, name: str) -> Settings:
    """Settings whose topics are this test's own."""
    names = {plan.setting: f"{name}-{plan.setting}" for plan in PLANS}
    return Settings(broker=address, **names)


def test_missing_topics_are_named_with_the_command_that_makes_them(address: str) -> None:
    mine = settings(address, "missing")
    problems = status.verify(mine, 3)
    assert [problem.topic for problem in problems] == [plan.name(mine) for plan in OF_WORKERS]
    assert problems[0].mend == "run: hydrawatch topics create --partitions 3"


def test_topics_are_created_once_and_creating_again_changes_nothing(address: str) -> None:
    mine = settings(address, "once")
    first = create_topics(mine, 3, replication=1)
    assert not any(topic.existed for topic in first)
    assert status.verify(mine, 3) == []
    again = create_topics(mine, 3, replication=1)
    assert all(topic.existed for topic in again)
    assert [topic.partitions for topic in again] == [topic.partitions for topic in first]
    assert partition_count(mine, mine.requests_topic) == 3
    assert partition_count(mine, mine.control_topic) == 1


def test_another_number_of_partitions_is_refused_and_nothing_is_created(address: str) -> None:
    mine = settings(address, "other")
    admin = KafkaAdminClient(bootstrap_servers=address)
    admin.create_topics({mine.requests_topic: {"num_partitions": 2, "replication_factor": 1}})
    while mine.requests_topic not in admin.list_topics():  # Kafka says yes before it knows
        time.sleep(0.05)
    with pytest.raises(ConfigError, match="has 2 partitions, not 4"):
        create_topics(mine, 4)
    assert mine.alerts_topic not in admin.list_topics()
    admin.close()
    problems = {problem.topic: problem for problem in status.verify(mine, 4)}
    assert "has 2 partitions, not 4" in str(problems[mine.requests_topic])


def test_every_topic_of_the_workers_states_its_retention_and_none_is_compacted() -> None:
    for plan in OF_WORKERS:
        config = plan.config(replication=3)
        # what its writers delete themselves is kept until they do, in segments that go soon
        forever = plan.setting == "state_topic"
        assert int(config["retention.ms"]) == (-1 if forever else plan.keep_days * 86_400_000)
        assert ("segment.bytes" in config) is forever
        assert config["cleanup.policy"] == "delete"
        assert config["min.insync.replicas"] == "2"
        assert plan.why


def test_the_directory_of_accounts_keeps_the_newest_record_of_each_for_ever() -> None:
    (plan,) = (one for one in PLANS if one.setting == "accounts_topic")
    config = plan.config(replication=3)
    assert config["cleanup.policy"] == "compact"
    assert config["retention.ms"] == "-1"
    assert "segment.bytes" not in config


def test_the_viewer_reads_every_alert_of_a_batch_and_ends(address: str) -> None:
    mine = settings(address, "viewer")
    create_topics(mine, 2, replication=1, alert_partitions=2)
    producer = KafkaProducer(bootstrap_servers=address, linger_ms=100)
    sent = [orjson.dumps({"alert_id": f"acc-{number}"}) for number in range(50)]
    for value in sent:
        producer.send(mine.alerts_topic, value, key=value)
    producer.flush()
    producer.close()
    seen = list(values(mine, mine.alerts_topic, follow=False, from_beginning=True))
    assert sorted(seen) == sorted(sent)


def test_an_empty_alert_topic_ends_at_once_without_follow(address: str) -> None:
    mine = settings(address, "empty")
    create_topics(mine, 1, replication=1)
    assert list(values(mine, mine.alerts_topic, follow=False, from_beginning=True)) == []


def test_a_missing_alert_topic_is_an_error_with_the_mend(address: str) -> None:
    mine = settings(address, "nowhere")
    with pytest.raises(ConfigError, match="hydrawatch topics create"):
        list(values(mine, mine.alerts_topic))


@dataclass
class Batch:
    keys: list[bytes]
    values: list[bytes]
    timestamps: list[int]


def test_produced_events_keep_their_order_place_and_time(address: str) -> None:
    mine = settings(address, "produced")
    create_topics(mine, 3, replication=1)
    count = 5000
    batch = Batch(
        [b"a-%d" % (number % 50) for number in range(count)],
        [b'{"event_id":"e-%d","pad":"%s"}' % (number, b"x" * 400) for number in range(count)],
        [1_777_000_000_000 + number for number in range(count)],
    )
    progress: list[int] = []
    sent = asyncio.run(produce(mine, [batch], progress=progress.append))
    assert sent == progress[-1] == count
    consumer = KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest")
    consumer.assign([TopicPartition(mine.requests_topic, number) for number in range(3)])
    found: list[tuple[int, int, bytes, bytes]] = []
    while len(found) < count and (polled := consumer.poll(timeout_ms=5000)):
        for place, records in polled.items():
            found += [(place.partition, one.timestamp, one.key, one.value) for one in records]
    consumer.close()
    assert len(found) == count
    for partition in range(3):
        got = [entry[1:] for entry in found if entry[0] == partition]
        wanted = [
            (timestamp, key, value)
            for key, value, timestamp in zip(
                batch.keys, batch.values, batch.timestamps, strict=True
            )
            if partition_of(key, 3) == partition  # where replay puts it
        ]
        assert got == wanted


def test_speed_up_paces_event_time(address: str) -> None:
    mine = settings(address, "paced")
    create_topics(mine, 1, replication=1)
    batch = Batch([b"a"] * 11, [b"{}"] * 11, [number * 1000 for number in range(11)])

    async def timed() -> float:
        start = asyncio.get_running_loop().time()
        await produce(mine, [batch], speed_up=20.0)
        return asyncio.get_running_loop().time() - start

    assert 0.45 < asyncio.run(timed()) < 5
