"""What an independent look at the brokers says: do they answer, are the topics there, who leads what.

The worker's own clients wait patiently and say little, and from inside a hanging client looks like a
hanging broker. So somebody else looks, every few seconds, over a connection of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection

import structlog
from faust.types import TP

from detectors.errors import StateError
from streams.observe.health import Readiness
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.topics import status
from streams.topics.identity import inputs, made_anew
from streams.topics.status import TopicStatus

log = structlog.get_logger()

MOST_S, LEAST_S = 15.0, 1.0  # between two looks
ANSWER_MS = 5_000
SHOWN = 5  # partitions of a topic that are named


class BrokerProbe:
    """Looks at the brokers for one worker. `look` is for tests to say what is seen."""

    def __init__(
        self,
        settings: Settings,
        partitions: int,
        metrics: Metrics,
        readiness: Readiness,
        look: Callable[[], TopicStatus] | None = None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._readiness = readiness
        self._look = look or (
            lambda: status.look(settings, partitions, ANSWER_MS, inputs(settings))
        )
        self._ends: dict[tuple[str, int], int] = {}
        self._ids: dict[str, object] = {}
        self.trouble: dict[str, str] = {}  # what is wrong, by what it is; empty when nothing is

    async def run(self) -> None:
        """Look, for ever. Raises StateError where an input was made anew under the worker's feet."""
        patience_s = min(self._settings.stall_s, self._settings.deaf_s)
        pause_s = max(LEAST_S, min(MOST_S, patience_s / 4))
        while True:
            await self.look()
            await asyncio.sleep(pause_s)

    async def look(self) -> None:
        """Look once, and tell."""
        try:
            topics = await asyncio.to_thread(self._look)
        except Exception as error:
            # Whatever it is (a certificate that is being replaced, say): looking must stop nobody.
            self._metrics.broker_silent.set(1)
            self._tell({**self.trouble, "broker": str(error) or repr(error)})
            return
        self._ends = dict(topics.ends)
        self._metrics.broker_silent.set(0)
        self._metrics.topic_problems.set(len(topics.problems))
        reasons = {}
        if topics.problems:
            reasons["topics"] = "; ".join(map(str, topics.problems))
        for name, gauge, found, what in (
            ("leaders", self._metrics.leaderless, topics.leaderless, "no leader"),
            (
                "replicas",
                self._metrics.under_min_isr,
                topics.under_min_isr,
                "too few replicas for a write",
            ),
        ):
            for topic in topics.ids:
                gauge.labels(topic).set(sum(one == topic for one, _ in found))
            if found:
                reasons[name] = f"{what}: {_named(found)}"
        self._tell(reasons)
        self._compare(topics)

    @property
    def silent(self) -> bool:
        """Whether no broker has answered the last look."""
        return "broker" in self.trouble

    def hinders(self, topic: str) -> bool:
        """Whether the brokers are known not to take what is written to a topic."""
        return self.silent or any(topic in reason for reason in self.trouble.values())

    def end(self, tp: TP) -> int | None:
        """Where an input's partition ended for a reader at the last look, if that is known."""
        return self._ends.get((tp.topic, tp.partition))

    def _tell(self, reasons: dict[str, str]) -> None:
        for name in ("broker", "topics", "leaders", "replicas"):
            before = self.trouble.get(name)
            if name in reasons:
                self._readiness.wait_for(name, reasons[name])
                if before is None:
                    log.warning("trouble at the broker", about=name, reason=reasons[name])
            else:
                self._readiness.done(name)
                if before is not None:
                    log.info("trouble at the broker is over", about=name)
        self.trouble = reasons

    def _compare(self, topics: TopicStatus) -> None:
        settings = self._settings
        for topic, found in topics.ids.items():
            known = self._ids.setdefault(topic, found)
            if known == found:
                continue
            self._ids[topic] = found
            if topic in inputs(settings):
                raise StateError(made_anew(settings, topic))
            log.warning("a topic was made anew; what it held is gone", topic=topic)


def _named(places: Collection[tuple[str, int]]) -> str:
    numbers: dict[str, list[int]] = {}
    for topic, number in sorted(places):
        numbers.setdefault(topic, []).append(number)
    return ", ".join(
        f"{topic} {some[:SHOWN]}" + (f" and {len(some) - SHOWN} more" if len(some) > SHOWN else "")
        for topic, some in numbers.items()
    )
