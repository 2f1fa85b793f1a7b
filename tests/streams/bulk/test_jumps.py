"""Where reading goes on at a later place, the broker's word tells whether what lies between is gone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from faust.types import TP

from streams.bulk.chunks import Chunk, next_part
from streams.bulk.gone import Gone, gone_in
from streams.bulk.jumps import Jumps
from streams.bulk.ledger import Ledger

P0 = TP("bulk", 0)


@dataclass
class Consumer:
    """What of a client is looked at: where it reads on, and where the broker says that records begin."""

    position: int
    begins: int | Exception = 0
    highwater: int = 500
    asked: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def _fetcher(self) -> Any:
        state = SimpleNamespace(
            position=self.position, has_valid_position=True, highwater=self.highwater
        )
        assignment = SimpleNamespace(state_value=lambda _: state)
        subscription = SimpleNamespace(assignment=assignment)
        return SimpleNamespace(_subscriptions=SimpleNamespace(subscription=subscription))

    async def beginning_offsets(self, tps: list[TP]) -> dict[TP, int]:
        self.asked += 1
        await self.answers.wait()
        if isinstance(self.begins, Exception):
            raise self.begins
        return dict.fromkeys(tps, self.begins)


async def told(jumps: Jumps, consumer: Consumer, ledger: Ledger) -> Chunk | None:
    """What is told once the broker has answered; None for nothing."""
    assert jumps.look(consumer, {P0: ledger}) == {
        P0: None
    }  # and nothing of it is given out meanwhile
    assert jumps.look(consumer, {P0: ledger}) == {P0: None}
    consumer.answers.set()
    await asyncio.sleep(0.01)
    return jumps.look(consumer, {P0: ledger}).get(P0)


async def test_a_start_behind_what_was_read_is_told_once_the_broker_has_said_so() -> None:
    heard: list[None] = []
    jumps, ledger = Jumps(lambda: heard.append(None)), Ledger(200, wanted=100)
    consumer = Consumer(200, begins=200)
    chunk = await told(jumps, consumer, ledger)
    assert chunk is not None
    assert (chunk.begins, chunk.ends, chunk.lost, len(chunk)) == (100, 200, 100, 0)
    assert (chunk.first_offset, chunk.last_offset) == (100, 199)
    assert gone_in(chunk, 100) == Gone("bulk", 0, 100, 200)
    assert gone_in(chunk, 150) == Gone("bulk", 0, 150, 200)
    assert gone_in(chunk, 200) is None
    assert next_part(chunk, 100) is None
    assert jumps.look(consumer, {P0: ledger}) == {}  # once
    assert (consumer.asked, len(heard)) == (1, 1)


async def test_what_was_read_and_held_nothing_is_not_lost() -> None:
    ledger = Ledger(100)
    ledger.hollow.read(100, 110)  # markers
    ledger.reading = 110
    chunk = await told(Jumps(lambda: None), Consumer(200, begins=200), ledger)
    assert chunk is not None
    assert (chunk.begins, chunk.lost) == (100, 90)
    assert gone_in(chunk, 100) == Gone("bulk", 0, 110, 200)


async def test_what_the_broker_did_not_delete_stays_a_hole_that_ends_the_stage() -> None:
    ledger = Ledger(100)
    assert await told(Jumps(lambda: None), Consumer(200, begins=50), ledger) is None
    assert ledger.reading == 200  # the next chunk begins there, behind what its stage has


async def test_a_broker_that_does_not_answer_is_asked_again() -> None:
    jumps, ledger = Jumps(lambda: None), Ledger(100)
    consumer = Consumer(200, begins=OSError("gone"))
    assert await told(jumps, consumer, ledger) is None
    assert ledger.reading == 100
    consumer.begins = 200
    assert jumps.look(consumer, {P0: ledger}) == {P0: None}
    await asyncio.sleep(0.01)
    chunk = jumps.look(consumer, {P0: ledger})[P0]
    assert chunk is not None
    assert chunk.lost == 100


async def test_an_answer_for_a_reading_that_ended_counts_for_no_other() -> None:
    jumps, consumer = Jumps(lambda: None), Consumer(200, begins=200)
    jumps.look(consumer, {P0: Ledger(100)})
    consumer.answers.set()
    await asyncio.sleep(0.01)
    assert jumps.look(consumer, {P0: Ledger(100)}) == {P0: None}
    assert consumer.asked == 1
    await asyncio.sleep(0.01)
    assert consumer.asked == 2


async def test_reading_on_and_starting_over_are_no_jumps() -> None:
    jumps, consumer = Jumps(lambda: None), Consumer(200, begins=0)
    assert jumps.look(consumer, {P0: Ledger(200)}) == {}
    assert jumps.look(consumer, {P0: Ledger(300)}) == {}  # its end was lost: that is told elsewhere
    assert Ledger(70).reading == Ledger(70, wanted=0).reading == Ledger(70, wanted=70).reading == 70
    assert consumer.asked == 0
