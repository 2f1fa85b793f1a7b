"""Kept offsets count in one topic, and not in another one of its name."""

from __future__ import annotations

from uuid import UUID

import pytest

from detectors.errors import StateError
from streams.settings.settings import Settings
from streams.topics import identity as inputs
from streams.topics.identity import InputIdentities

SETTINGS = Settings()
REQUESTS, HANDOVER = SETTINGS.requests_topic, SETTINGS.handover_topic
NOW = UUID(int=7)


@pytest.fixture
async def seen(monkeypatch: pytest.MonkeyPatch) -> InputIdentities:
    """Of two topics the broker tells an id of one."""
    described = {REQUESTS: {"topic_id": NOW}, HANDOVER: {"topic_id": UUID(int=0)}}
    found = InputIdentities(SETTINGS)
    monkeypatch.setattr(inputs, "connected", lambda _: _Nobody())
    monkeypatch.setattr(inputs, "descriptions", lambda _admin, names: _of(described, names))
    await found.look()
    return found


def _of(described: dict[str, dict[str, UUID]], names: list[str]) -> dict[str, dict[str, UUID]]:
    return {name: one for name, one in described.items() if name in names}


class _Nobody:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


async def test_a_topic_that_was_made_anew_is_another_one(seen: InputIdentities) -> None:
    with pytest.raises(StateError, match=rf"topic {REQUESTS} was deleted and made anew.*state re"):
        seen.refuse_replaced(REQUESTS, str(UUID(int=6)))
    seen.refuse_replaced(REQUESTS, seen.id(REQUESTS))


async def test_where_nothing_is_told_nothing_is_refused(seen: InputIdentities) -> None:
    assert seen.id(HANDOVER) == ""
    seen.refuse_replaced(HANDOVER, str(UUID(int=6)))  # by a broker that tells none
    seen.refuse_replaced(REQUESTS, "")  # by a version that did not ask
    seen.refuse_replaced(SETTINGS.evidence_topic, str(UUID(int=6)))  # not there: said elsewhere
