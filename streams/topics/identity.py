"""Which topics kept offsets count in: one that was made anew has the old one's name, not its records."""

from __future__ import annotations

import asyncio
from uuid import UUID

from detectors.errors import StateError
from streams.kafka.connection import patiently
from streams.settings.settings import Settings
from streams.topics.admin import connected, descriptions

START_S = 15.0  # one broker of several may be away just now
NO_ID = UUID(int=0)


class InputIdentities:
    """The stages' inputs as they are at this broker now."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ids: dict[str, str] = {}

    async def look(self) -> None:
        """Ask the broker. Raises BrokerError."""
        self._ids = await patiently(
            lambda: asyncio.to_thread(self._look), "look at the input topics", START_S
        )

    def id(self, topic: str) -> str:
        """What tells the topic from others of its name; empty where the broker tells nothing."""
        return self._ids.get(topic, "")

    def replaced(self, topic: str, kept: str) -> bool:
        """Whether the topic that was known by `kept` is no more. Older state does not know it: ''."""
        return "" != kept != self.id(topic) != ""

    def refuse_replaced(self, topic: str, kept: str) -> None:
        """Raise StateError where kept offsets are of a topic that is no more."""
        if self.replaced(topic, kept):
            raise StateError(made_anew(self._settings, topic))

    def _look(self) -> dict[str, str]:
        with connected(self._settings) as admin:
            described = descriptions(admin, list(inputs(self._settings)))
        ids = {name: topic.get("topic_id") or NO_ID for name, topic in described.items()}
        return {name: "" if found == NO_ID else str(found) for name, found in ids.items()}


def inputs(settings: Settings) -> tuple[str, str, str]:
    """The topics that the stages read: accounts, networks and the owner of campaigns."""
    return settings.requests_topic, settings.handover_topic, settings.evidence_topic


def input_of(settings: Settings, stage: str) -> str:
    """The topic that a stage reads."""
    return dict(zip(("accounts", "keys", "owner"), inputs(settings), strict=True))[stage]


def made_anew(settings: Settings, topic: str) -> str:
    """What to do where the offsets that kept state speaks of are of a topic that is no more."""
    return (
        f"topic {topic} was deleted and made anew, or its brokers lost its end: kept state goes on "
        "at a place that it does not have. Stop all workers and begin anew (`hydrawatch state "
        f"reset --yes`; if it is {settings.requests_topic}, make {settings.marks_topic} anew before)"
    )
