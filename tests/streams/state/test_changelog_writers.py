"""Who of two writers of one state log counts, in a log kept in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from typing import Any, NamedTuple

import numpy as np
import pytest

from detectors.state.checkpoint import Checkpoint, Restoration
from streams.kafka.fencing import MadeAnewError, ShutOutError
from streams.settings.settings import Settings
from streams.state.changelog import Changelog
from streams.state.records import Pages, decode

ROWS = 4_000


class Columns(NamedTuple):
    rows: np.ndarray


class Part:
    """A state of one column."""

    def __init__(self) -> None:
        self.rows = np.zeros(ROWS, np.int64)

    def change(self, seed: int, rows: int = ROWS) -> None:
        self.rows[:rows] = np.random.default_rng(seed).integers(1 << 60, size=rows)

    def checkpoint(self) -> Checkpoint:
        return Checkpoint({"rows": self.rows}, b"rest")

    def restoration(self) -> Restoration:
        return Restoration(Columns(self.rows))

    def restore(self, kept: Restoration, rest: bytes) -> None:
        assert rest == b"rest"


class Record(NamedTuple):
    offset: int
    value: bytes


class Shelf:
    """One partition."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.begins = 0  # what lies before is deleted

    async def send(self, value: bytes) -> Awaitable[Any]:
        record = Record(len(self.records), value)
        self.records.append(record)
        done: asyncio.Future[Record] = asyncio.get_running_loop().create_future()
        done.set_result(record)
        return done


class Writer:
    """A state and its log."""

    def __init__(self, shelf: Shelf) -> None:
        async def read(begin: int) -> AsyncGenerator[list[Any], None]:
            yield shelf.records[max(begin, shelf.begins) :]

        self.part, self.log = Part(), Changelog(Settings(), 0, {}, read)
        self._shelf = shelf

    async def take_over(self) -> int:
        """Fence, read and go on from there; gives the next offset."""
        kept = await self.log.recover(self.part, self._shelf.send, lambda _: None)
        return 0 if kept is None else kept.next_offset

    async def keep(self, next_offset: int) -> None:
        cut = self.log.cut(self.part, next_offset, b"")
        await self.log.keep(cut, [], self._shelf.send)


async def taken_over(shelf: Shelf) -> tuple[Writer, Writer]:
    """One who has kept its state, and the successor who has shut it out."""
    old, new = Writer(shelf), Writer(shelf)
    await old.take_over()
    old.part.change(1)
    await old.keep(10)
    assert await new.take_over() == 10
    return old, new


async def test_who_was_shut_out_stays_so_when_the_fence_has_been_deleted() -> None:
    shelf = Shelf()
    old, new = await taken_over(shelf)
    new.part.change(2)
    await new.keep(20)
    old.part.change(99)
    with pytest.raises(ShutOutError):
        await old.keep(15)  # thought dead, and wakes up
    new.part.change(3, rows=100)
    await new.keep(30)
    assert new.log.deletable > 0
    shelf.begins = new.log.deletable
    successor = Writer(shelf)
    assert await successor.take_over() == 30
    assert (successor.part.rows == new.part.rows).all()


async def test_who_was_shut_out_deletes_nothing_that_its_successor_rests_on() -> None:
    shelf = Shelf()
    old, new = await taken_over(shelf)
    new.part.change(2, rows=100)
    await new.keep(20)
    for seed in (98, 99):  # thought dead, and goes on for a while
        old.part.change(seed)
        with pytest.raises(ShutOutError):
            await old.keep(15)
    shelf.begins = old.log.deletable
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == new.part.rows).all()


async def test_who_was_shut_out_notices_though_the_fence_has_been_deleted() -> None:
    shelf = Shelf()
    old, new = Writer(shelf), Writer(shelf)
    await old.take_over()
    old.part.change(1)
    await old.keep(10)
    await new.take_over()
    for seed in (2, 3):
        new.part.change(seed)
        await new.keep(10 * seed)
    shelf.begins = new.log.deletable
    old.part.change(99)
    with pytest.raises(ShutOutError):
        await old.keep(15)
    assert old.log.deletable < shelf.begins


async def test_what_a_writer_gave_up_or_sent_twice_shuts_nobody_out() -> None:
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    writer.part.change(1)
    await writer.keep(10)
    writer.part.change(2)
    cut = writer.log.cut(writer.part, 20, b"")
    with pytest.raises(TimeoutError):
        await writer.log.keep(cut, [given_up()], shelf.send)
    await writer.keep(20)
    assert not writer.log.shut_out
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == writer.part.rows).all()


async def test_a_cut_that_was_never_sent_is_missing_in_no_later_entry() -> None:
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    writer.part.change(1)
    await writer.keep(10)
    writer.part.change(2, rows=100)
    writer.log.cut(writer.part, 20, b"")  # and whoever asked for it was cancelled
    await writer.keep(20)
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == writer.part.rows).all()


async def test_a_log_that_was_made_anew_gets_all_of_the_state() -> None:
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    for seed in (1, 2, 3):
        writer.part.change(seed)
        await writer.keep(10 * seed)
    shelf.records.clear()
    writer.part.change(4, rows=100)
    with pytest.raises(MadeAnewError):
        await writer.keep(40)
    died_there = Shelf()
    died_there.records = list(shelf.records)
    assert await Writer(died_there).take_over() == 0  # it reads all again, as nothing is kept
    await writer.keep(40)
    assert not writer.log.shut_out
    assert writer.log.deletable < len(shelf.records)
    successor = Writer(shelf)
    assert await successor.take_over() == 40
    assert (successor.part.rows == writer.part.rows).all()


async def test_a_young_log_that_was_made_anew_gets_all_of_the_state_too() -> None:
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    writer.part.change(1)
    await writer.keep(10)
    shelf.records.clear()
    writer.part.change(2, rows=20)
    cut = writer.log.cut(writer.part, 20, b"")
    more_than_there_were = cut._replace(packed=cut.packed * 9)
    with pytest.raises(MadeAnewError):
        await writer.log.keep(more_than_there_were, [], shelf.send)
    await writer.keep(20)
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == writer.part.rows).all()


async def test_a_log_that_was_made_anew_between_pages_and_their_seal_gets_all_of_the_state() -> (
    None
):
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    writer.part.change(1)

    async def delivery() -> None:
        shelf.records.clear()

    cut = writer.log.cut(writer.part, 10, b"")
    assert cut.entry.since == cut.entry.number
    with pytest.raises(MadeAnewError):
        await writer.log.keep(cut, [delivery()], shelf.send)
    await writer.keep(10)
    writer.part.change(2, rows=20)
    await writer.keep(20)
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == writer.part.rows).all()


async def test_who_was_shut_out_of_a_log_that_was_made_anew_stays_so() -> None:
    shelf = Shelf()
    _, new = await taken_over(shelf)
    for seed in (2, 3):
        new.part.change(seed)
        await new.keep(10 * seed)
    shelf.records.clear()
    successor = Writer(shelf)
    assert await successor.take_over() == 0
    new.part.change(4, rows=100)
    with pytest.raises(MadeAnewError):
        await new.keep(40)
    with pytest.raises(ShutOutError):
        await new.keep(40)


async def test_what_has_become_zero_meanwhile_is_zero_though_nobody_heard_of_the_seal() -> None:
    shelf = Shelf()
    writer = Writer(shelf)
    await writer.take_over()
    writer.part.change(1)

    async def unheard(value: bytes) -> Awaitable[Any]:
        sent = await shelf.send(value)
        return sent if isinstance(decode(value, ""), Pages) else given_up()

    with pytest.raises(TimeoutError):
        await writer.log.keep(writer.log.cut(writer.part, 10, b""), [], unheard)
    writer.part.rows[: ROWS // 2] = 0
    await writer.keep(20)
    successor = Writer(shelf)
    assert await successor.take_over() == 20
    assert (successor.part.rows == writer.part.rows).all()


async def given_up() -> None:
    raise TimeoutError
