"""What the campaign owner reads back before it sends anything."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from detectors.interface.clock import DAY_MS
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stages.published_alerts import Known, Published, read_published
from streams.topics.create import create_topics
from streams.topics.plan import PLANS

pytestmark = pytest.mark.broker

OTHER = b'{"alert_id":"b","revision":1,"trace":{"config_digest":"sha256:1"}}'
FOREIGN = [b"not an alert", b"", b"[1]", b"{}", b'{"alert_id":"\xff","revision":1}', b"\xff", None]


async def test_what_is_no_alert_is_passed_over_and_counted(broker: str) -> None:
    names = {plan.setting: f"history-{plan.setting}" for plan in PLANS}
    settings, metrics = Settings(broker=broker, partitions=1, **names), Metrics()
    await asyncio.to_thread(create_topics, settings, 1, replication=1, alert_partitions=3)
    topic = settings.alerts_topic
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    try:
        for at, value in enumerate((b'{"alert_id":"a","revision":2}', *FOREIGN, OTHER)):
            await producer.send_and_wait(topic, value, key=b"k", partition=(at + 1) % 3)
    finally:
        await producer.stop()
    for _ in range(2):
        everybodys = await read_published(settings, metrics, topic)
        assert [everybodys.revision(alert) for alert in ("a", "b", "c")] == [2, 1, 0]
        of_one = await read_published(settings, metrics, topic, "sha256:1")
        assert [of_one.revision(alert) for alert in ("a", "b")] == [0, 1]
        found = metrics.registry.get_sample_value("hydrawatch_foreign_records", {"topic": topic})
        assert found == len(FOREIGN)


def test_what_the_topic_no_longer_keeps_is_forgotten() -> None:
    published = Published()
    published.add(Known("old", 7, as_of=0))
    published.add(Known("new", 2, as_of=40 * DAY_MS))
    published.add(Known("new", 1, as_of=39 * DAY_MS))
    published.shed(89 * DAY_MS)
    assert published.revision("old") == 7
    published.shed(91 * DAY_MS)
    assert (published.revision("old"), published.revision("new"), len(published)) == (0, 2, 1)
