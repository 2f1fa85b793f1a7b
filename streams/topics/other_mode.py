"""The pipeline of the other mode at the same broker: beside a live one a shadow's, and the other way."""

from __future__ import annotations

from typing import Literal, NamedTuple

from streams.kafka.connection import BrokerError
from streams.settings.settings import SHADOW_NAMES, Settings
from streams.topics.admin import ANSWER_MS, connected, partition_counts

Sight = Literal["present", "absent", "not seen"]
# The right to look at it goes with its mode alone, unlike those on internal topics.
ELSEWHERE = "dead_letters_topic"


class OtherMode(NamedTuple):
    """What is to be seen of it. `topics` by setting: those that it has to itself."""

    mode: Literal["live", "shadow"]
    sight: Sight
    topics: dict[str, str]

    @property
    def variable(self) -> str:
        """What makes a command speak to it."""
        return f"HYDRAWATCH_MODE={self.mode}"


def look(settings: Settings, answer_ms: int = ANSWER_MS) -> OtherMode:
    """Look for it by the names that topics have where nobody has given them others.

    Where the broker does not answer, or lets us see nothing, it is `not seen`.
    """
    mode: Literal["live", "shadow"] = "live" if settings.mode == "shadow" else "shadow"
    named = {
        setting: name if mode == "shadow" else str(Settings.model_fields[setting].default)
        for setting, name in SHADOW_NAMES.items()
        if setting.endswith("_topic")
    }
    try:
        with connected(settings, answer_ms) as admin:
            there = partition_counts(admin, [n for s, n in named.items() if s != ELSEWHERE])
    except BrokerError:
        return OtherMode(mode, "not seen", named)
    found = {s: n for s, n in named.items() if n in there or (there and s == ELSEWHERE)}
    return OtherMode(mode, "present" if found else "absent", found)
