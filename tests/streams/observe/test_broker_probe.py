"""What is wrong at the brokers is named, and is over when it is over."""

from __future__ import annotations

import pytest
from faust.types import TP

from detectors.errors import StateError
from streams.kafka.connection import BrokerError
from streams.observe.broker_probe import BrokerProbe
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.topics.status import Problem, TopicStatus

SETTINGS = Settings()
REQUESTS, ALERTS = SETTINGS.requests_topic, SETTINGS.alerts_topic
WELL = TopicStatus([], ids={REQUESTS: "a", ALERTS: "b"})
MISSING = Problem(ALERTS, "is missing", "run: hydrawatch topics create")


class Seen:
    """A probe that sees what the test says."""

    def __init__(self) -> None:
        self.topics: TopicStatus | Exception = WELL
        self.metrics = Metrics()
        self.readiness = Readiness()
        self.probe = BrokerProbe(SETTINGS, 4, self.metrics, self.readiness, look=self._look)

    def _look(self) -> TopicStatus:
        if isinstance(self.topics, Exception):
            raise self.topics
        return self.topics

    async def sees(self, topics: TopicStatus | Exception) -> dict[str, str]:
        self.topics = topics
        await self.probe.look()
        return self.readiness.reasons()

    def shown(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"hydrawatch_{name}", labels)


@pytest.fixture
def seen() -> Seen:
    return Seen()


async def test_what_is_seen_is_a_reason_and_a_metric_until_it_is_over(seen: Seen) -> None:
    assert await seen.sees(WELL) == {}
    assert not seen.probe.trouble
    lost = frozenset((REQUESTS, number) for number in range(7))
    reasons = await seen.sees(TopicStatus([MISSING], lost, frozenset({(ALERTS, 0)}), WELL.ids))
    assert reasons == {
        "topics": f"topic {ALERTS}: is missing; run: hydrawatch topics create",
        "leaders": f"no leader: {REQUESTS} [0, 1, 2, 3, 4] and 2 more",
        "replicas": f"too few replicas for a write: {ALERTS} [0]",
    }
    assert seen.probe.trouble
    assert seen.shown("topic_problems") == 1
    assert seen.shown("leaderless_partitions", topic=REQUESTS) == 7
    assert seen.shown("under_min_isr_partitions", topic=ALERTS) == 1
    assert await seen.sees(WELL) == {}
    assert not seen.probe.trouble
    assert seen.shown("topic_problems") == 0
    assert seen.shown("leaderless_partitions", topic=REQUESTS) == 0
    assert seen.shown("under_min_isr_partitions", topic=ALERTS) == 0


async def test_a_broker_that_does_not_answer_ends_no_other_trouble(seen: Seen) -> None:
    await seen.sees(TopicStatus([MISSING], ids=WELL.ids))
    reasons = await seen.sees(BrokerError("no broker answers at kafka:9092"))
    assert reasons.keys() == {"topics", "broker"}
    assert seen.shown("broker_silent") == 1
    assert await seen.sees(WELL) == {}
    assert seen.shown("broker_silent") == 0


async def test_a_look_that_fails_in_any_way_stops_nobody(seen: Seen) -> None:
    assert await seen.sees(OSError("certificate is being replaced")) == {
        "broker": "certificate is being replaced"
    }


async def test_an_input_that_was_made_anew_is_an_error_and_an_output_is_not(seen: Seen) -> None:
    await seen.sees(WELL)
    await seen.sees(TopicStatus([], ids={REQUESTS: "a", ALERTS: "another"}))
    with pytest.raises(StateError, match=f"topic {REQUESTS} was deleted and made anew.*reset"):
        await seen.sees(TopicStatus([], ids={REQUESTS: "another", ALERTS: "another"}))


async def test_ends_are_those_of_the_last_look_that_was_answered(seen: Seen) -> None:
    tp = TP(REQUESTS, 3)
    assert seen.probe.end(tp) is None
    await seen.sees(TopicStatus([], ends={(REQUESTS, 3): 17}, ids=WELL.ids))
    assert seen.probe.end(tp) == 17
    await seen.sees(BrokerError("no broker answers at kafka:9092"))
    assert seen.probe.end(tp) == 17
    assert seen.probe.silent


async def test_a_write_is_hindered_by_trouble_with_its_topic_and_by_no_other(seen: Seen) -> None:
    await seen.sees(TopicStatus([], under_min_isr=frozenset({(ALERTS, 0)}), ids=WELL.ids))
    assert seen.probe.hinders(ALERTS)
    assert not seen.probe.hinders(SETTINGS.state_topic)
    await seen.sees(BrokerError("no broker answers at kafka:9092"))
    assert seen.probe.hinders(SETTINGS.state_topic)
    await seen.sees(WELL)
    assert not seen.probe.hinders(ALERTS)
