"""What another version kept is refused, with what to do about it, and is not read by halves."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from detectors.accounts.partition import AccountPartition
from detectors.errors import StateError
from detectors.networks.partition import NetworkPartition
from detectors.owner.checkpoint import BOOKS
from detectors.state.checkpoint import Checkpoint
from streams.settings.settings import Settings
from streams.stage import Part
from streams.state.changelog import Changelog
from tests.owner_stories import owner_of
from tests.stage_stories import config
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
