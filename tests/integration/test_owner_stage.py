"""The campaign owner's alerts while partitions come and go and the broker takes its time: each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from detectors.config import load_config
from detectors.contract.alert import decode
from detectors.exchange.findings import TickFindings
from detectors.exchange.report import Report, encode
from streams.bulk.chunks import Chunk
from streams.kafka.fencing import ShutOutError
from streams.kafka.reader import read_all
from streams.observe.metrics import Metrics
from streams.settings.settings import Settings
from streams.stage import Sent
from streams.stages.owner import OwnerStage
from streams.stages.sink import Sink, delivered
from tests.integration.workers import stage
from tests.owner_stories import BASE, key_finding

pytestmark = [pytest.mark.broker, pytest.mark.timeout(300)]
LOADED = load_config("[engine]\npartitions = 1\n[fusion]\nregroup_minutes = 1\n")


class Held:
    """A producer whose records for one topic reach the broker when they are let go."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self.taken: list[asyncio.Task[Any]] = []
        self.room, self.go = asyncio.Event(), asyncio.Event()
        self.waiting = asyncio.Event()  # somebody is, for room

    async def send(self, topic: str, value: bytes, **more: Any) -> Any:
        if topic != self._topic:
            return await self._producer.send(topic, value, **more)
        self.waiting.set()
        await self.room.wait()
        self.taken.append(asyncio.create_task(self._deliver(topic, value, **more)))
        return self.taken[-1]

    async def _deliver(self, topic: str, value: bytes, **more: Any) -> None:
        await self.go.wait()
        await self._producer.send_and_wait(topic, value, **more)

    async def stop(self) -> None:
        await self._producer.stop()


class Scene:
    """An owner's sink with alerts held back, and stages that write to it."""

    def __init__(self, settings: Settings, sink: Sink) -> None:
        self.settings = settings
        self.sink = sink
        self.held = sink._producer = Held(sink._producer, settings.alerts_topic)
        self.stages: list[OwnerStage] = []

    def owner(self) -> OwnerStage:
        """A stage that has just come, with nothing kept."""
        self.stages.append(OwnerStage(self.settings, LOADED, self.sink, Metrics()))
        return self.stages[-1]

    async def said(self) -> list[tuple[str, int]]:
        """Alert and revision of all that is on the topic."""
        records = read_all(self.settings, self.settings.alerts_topic, None)
        found = [decode(record.value) async for record in records]
        return [(alert.alert_id, alert.revision) for alert in found]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    with stage(1) as settings:
        sink = Sink(settings, Metrics())
        await sink.start()
        scene = Scene(settings, sink)
        yield scene
        scene.held.room.set()
        scene.held.go.set()
        for one in scene.stages:
            one.close()
        await sink.stop()


def chunk(offset: int, *reports: Report) -> Chunk:
    """Reports as the evidence topic holds them."""
    values = [record for report in reports for record in encode(report)]
    end = offset + len(values)
    offsets = np.arange(offset, end)
    keys = [None] * len(values)
    return Chunk("evidence", 0, list(values), list(keys), offsets, offsets, end, offset, end)


def two_cards() -> Chunk:
    """Two groups of accounts share a card each, in the first tick."""
    groups = {1: range(1, 21), 2: range(31, 51)}
    keys = tuple(key_finding(0, "payment_fp", card, group) for card, group in groups.items())
    return chunk(0, Report(0, BASE), Report(1, BASE, TickFindings(BASE, keys=keys)))


def much_later(offset: int) -> Chunk:
    """Nothing was seen of them for a quarter."""
    return chunk(offset, *(Report(source, BASE + 90 * 1440) for source in (0, 1)))


async def take(owner: OwnerStage, what: Chunk) -> Sent:
    """Give the owner a chunk as its agent does."""
    await owner.prepare()
    async with owner.busy:
        return await owner.process(what)


def each_once(said: list[tuple[str, int]]) -> bool:
    """Whether no revision of an alert was said twice, and none is missing."""
    revisions: dict[str, list[int]] = {}
    for alert, revision in said:
        revisions.setdefault(alert, []).append(revision)
    return all(found == list(range(1, len(found) + 1)) for found in revisions.values())


async def test_what_has_not_been_said_when_campaigns_move_away_is_left_to_who_owns_them(
    scene: Scene,
) -> None:
    owner = scene.owner()
    scene.held.go.set()
    taking = asyncio.create_task(take(owner, two_cards()))
    await scene.held.waiting.wait()
    owner.close()
    scene.held.room.set()
    with pytest.raises(ShutOutError):
        await taking
    (begun,) = await scene.said()  # what had its place in the queue already
    later = await take(scene.owner(), two_cards())
    assert later
    await delivered(later)
    said = await scene.said()
    assert said[0] == begun
    assert len(said) == 1 + len(later)
    assert each_once(said)


async def test_who_hands_the_campaigns_over_waits_until_what_it_said_is_there(scene: Scene) -> None:
    owner = scene.owner()
    taking = asyncio.create_task(take(owner, two_cards()))
    await scene.held.waiting.wait()
    settling = asyncio.create_task(owner.settle())
    await asyncio.wait({settling}, timeout=0.5)
    assert not settling.done()  # the chunk is still in hand
    scene.held.room.set()
    sent = await taking
    await asyncio.wait({settling}, timeout=0.5)
    assert not settling.done()  # and now on its way
    scene.held.go.set()
    await settling
    assert len(await scene.said()) == len(sent) > 1
    assert await take(scene.owner(), two_cards()) == []


async def test_who_has_a_successor_says_nothing_more(scene: Scene) -> None:
    scene.held.room.set()
    scene.held.go.set()
    frozen, successor = scene.owner(), scene.owner()
    await frozen.prepare()
    sent = await take(successor, two_cards())
    assert sent
    await delivered(sent)
    with pytest.raises(ShutOutError):
        await frozen.process(two_cards())
    assert frozen.shut_out
    assert await frozen.process(much_later(frozen.next_offset)) == []
    assert len(await scene.said()) == len(sent)


async def test_who_comes_back_waits_for_what_it_said_before_and_does_not_say_it_again(
    scene: Scene,
) -> None:
    scene.held.room.set()
    before = scene.owner()
    sent = await take(before, two_cards())
    assert len(sent) > 1
    again = asyncio.create_task(take(scene.owner(), two_cards()))
    await asyncio.wait({again}, timeout=3)
    assert not again.done()  # as long as the broker likes
    scene.held.go.set()
    assert await again == []
    said = await scene.said()
    assert len(said) == len(sent)
    assert each_once(said)
