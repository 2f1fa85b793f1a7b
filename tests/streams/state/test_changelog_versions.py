"""What another version kept is refused, with what to do about it, and is not read by halves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import msgspec
import numpy as np
import pytest

from detectors.accounts import state as st
from detectors.accounts.partition import AccountPartition
from detectors.errors import StateError
from detectors.interface.detector import Card
from detectors.networks.partition import NetworkPartition
from detectors.owner.checkpoint import BOOKS
from detectors.state.checkpoint import Checkpoint
from streams.settings.settings import Settings
from streams.stage import Part
from streams.state.changelog import Changelog
from tests.owner_stories import owner_of
from tests.places import TESTS
from tests.small_detectors import Busy
from tests.stage_stories import DAY, MINUTE, START, baselines, config, feed, past_of, request
from tests.streams.state.test_changelog_writers import Shelf

OTHERS = msgspec.msgpack.encode({"books": "as the next version writes them"})


class Kept(NamedTuple):
    """A stage of which only what it keeps matters."""

    kept: Checkpoint

    def checkpoint(self) -> Checkpoint:
        return self.kept


def log(shelf: Shelf, input_id: str = "") -> Changelog:
    async def read(begin: int) -> AsyncGenerator[list[Any], None]:
        yield shelf.records[begin:]

    return Changelog(Settings(), 0, {}, read, input_id)


async def kept(shelf: Shelf, stage: Any, input_id: str = "") -> None:
    writer = log(shelf, input_id)
    await writer.recover(stage, shelf.send, lambda _: None)
    await writer.keep(writer.cut(stage, 10, b""), [], shelf.send)


def with_other_rest(stage: Part) -> Kept:
    return Kept(stage.checkpoint()._replace(rest=OTHERS))


def with_other_books(owner: Part) -> Kept:
    tables = owner.checkpoint().tables | {BOOKS: np.frombuffer(OTHERS, np.uint8)}
    return Kept(Checkpoint(tables, b""))


@pytest.mark.parametrize(
    ("fresh", "written"),
    [
        (lambda: AccountPartition(config(), 0), with_other_rest),
        (lambda: NetworkPartition(config(), 0), with_other_rest),
        (owner_of, with_other_books),
    ],
    ids=["accounts", "keys", "owner"],
)
async def test_a_stage_refuses_what_another_version_wrote(fresh: Any, written: Any) -> None:
    shelf = Shelf()
    await kept(shelf, written(fresh()))
    with pytest.raises(StateError, match=r"kept by another version .*hydrawatch state reset"):
        await log(shelf).recover(fresh(), shelf.send, lambda _: None)


async def test_an_owner_that_refused_holds_nothing_of_the_other_version() -> None:
    shelf = Shelf()
    await kept(shelf, with_other_books(owner_of()))
    owner = owner_of()
    before = owner.checkpoint()
    with pytest.raises(StateError):
        await log(shelf).recover(owner, shelf.send, lambda _: None)
    after = owner.checkpoint()
    assert after.rest == before.rest
    assert {n: t.tobytes() for n, t in after.tables.items()} == {
        n: t.tobytes() for n, t in before.tables.items()
    }


async def test_what_the_same_version_wrote_is_taken() -> None:
    shelf = Shelf()
    await kept(shelf, owner_of())
    found = await log(shelf).recover(owner_of(), shelf.send, lambda _: None)
    assert found is not None
    assert found.next_offset == 10


async def test_which_input_the_offset_counts_in_is_kept_with_it() -> None:
    shelf = Shelf()
    await kept(shelf, owner_of(), "an id")
    found = await log(shelf, "another").recover(owner_of(), shelf.send, lambda _: None)
    assert found is not None
    assert found.input_id == "an id"


async def test_a_seal_of_a_version_that_knew_no_inputs_is_taken() -> None:
    shelf = Shelf()
    await kept(shelf, owner_of())
    seal = msgspec.msgpack.decode(shelf.records[-1].value)
    assert seal[0] == "seal"
    shelf.records[-1] = shelf.records[-1]._replace(value=msgspec.msgpack.encode(seal[:-1]))
    found = await log(shelf).recover(owner_of(), shelf.send, lambda _: None)
    assert found is not None
    assert found.input_id == ""


async def test_state_that_a_version_kept_which_told_events_by_their_id_alone_is_read_on() -> None:
    shelf = Shelf()
    for value in msgspec.msgpack.decode(
        (TESTS / "kept_before" / "accounts_by_id.msgpack").read_bytes()
    ):
        await shelf.send(value)
    partition = AccountPartition(config(), 0)
    assert await log(shelf).recover(partition, shelf.send, lambda _: None)
    before = partition.counters.copy()
    assert before[st.ACCEPTED] == 60
    events = [
        request(n, START + n * MINUTE // 4, f"a-{n % 3}", payment_fp="k1:card") for n in range(60)
    ]
    feed(partition, events[-20:])  # sent again: told by their ids, as that version did
    new = [event | {"event_id": "None"} for event in events[-20:]]
    feed(partition, [*new, *new])
    gained = partition.counters - before
    assert gained[[st.ACCEPTED, st.DUPLICATE, st.REUSED]].tolist() == [20, 40, 17]


def with_detectors(*more: Any) -> AccountPartition:
    """A partition whose accounts more detectors than ours watch."""
    rules = config()
    return AccountPartition(replace(rules, detectors=(*rules.detectors, *more)), 0)


class Later(Busy):
    card: ClassVar[Card] = msgspec.structs.replace(Busy.card, memory_version=2)


class Wider(Busy):
    card: ClassVar[Card] = msgspec.structs.replace(Busy.card, max_bytes=65)


@pytest.mark.parametrize(("before", "after"), [((), (Busy(),)), ((Busy(),), ()), ((), ())])
async def test_a_detector_may_come_and_go_without_any_state_being_refused(
    before: tuple[Any, ...], after: tuple[Any, ...]
) -> None:
    shelf, old = Shelf(), with_detectors(*before)
    feed(old, [request(n, START + n * DAY // 50) for n in range(120)])
    await kept(shelf, old)
    new = with_detectors(*after)
    assert await log(shelf).recover(new, shelf.send, lambda _: None)
    assert (new.state.accounts == old.state.accounts).all()
    assert (baselines(new) == baselines(old)).all()
    assert past_of(new, "a")["days"] == 2
    busy = [run for run in new.host.runs if run.card.name == "busy"]
    assert len(busy) == len(after)
    assert not any(t.view(np.uint8).any() for run in busy for t in run.tables(0).values())


async def test_a_memory_of_another_version_is_refused_by_the_name_of_its_detector() -> None:
    shelf = Shelf()
    await kept(shelf, with_detectors(Busy()))
    with pytest.raises(
        StateError,
        match=r"detector busy: its memory was kept as v1, this version reads v2; .*"
        r"`hydrawatch state reset`",
    ):
        await log(shelf).recover(with_detectors(Later()), shelf.send, lambda _: None)


async def test_a_memory_with_other_room_is_refused_by_name_and_not_read_at_wrong_places() -> None:
    shelf = Shelf()
    await kept(shelf, with_detectors(Busy()))
    with pytest.raises(StateError, match=r"lays memory:busy:v1\.bytes out differently.*reset"):
        await log(shelf).recover(with_detectors(Wider()), shelf.send, lambda _: None)


@pytest.mark.parametrize(
    ("stage", "fresh", "named"),
    [
        ("accounts", lambda: AccountPartition(config(), 0), "accounts, days, hours"),
        ("networks", lambda: NetworkPartition(config(), 0), "shared out differently"),
        ("owner", owner_of, "kept by another version"),
    ],
)
async def test_state_that_the_version_before_detectors_had_memories_kept_is_refused_by_name(
    stage: str, fresh: Any, named: str
) -> None:
    shelf = Shelf()
    for value in msgspec.msgpack.decode((TESTS / "kept_before" / f"{stage}.msgpack").read_bytes()):
        await shelf.send(value)
    with pytest.raises(StateError, match=rf"{named}.*hydrawatch state reset"):
        await log(shelf).recover(fresh(), shelf.send, lambda _: None)
