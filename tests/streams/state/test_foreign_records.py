"""What no worker wrote to the state topic is refused by its place, with what to do about it."""

from __future__ import annotations

import msgspec
import pytest

from detectors.errors import StateError
from streams.state import records
from streams.state.inspect import _Log
from streams.state.records import FORMAT, Fence, Pages, Seal
from tests.streams.state.test_changelog_writers import Record, Shelf, Writer

FOREIGN = {
    "tombstone": (None, "a tombstone, which no worker writes"),
    "empty": (b"", "not a record of kept state"),
    "rubbish": (b"rubbish", "not a record of kept state"),
    "bytes": (b"\xff\xfe\x00", "not a record of kept state"),
    "other": (msgspec.msgpack.encode(["fence", 1]), "not a record of kept state"),
    "newer": (records.encode(Fence(FORMAT + 1, "w")), f"kept state of format {FORMAT + 1}"),
}


@pytest.mark.parametrize(("value", "said"), FOREIGN.values(), ids=FOREIGN)
async def test_whoever_takes_a_stage_over_refuses_it(value: bytes | None, said: str) -> None:
    writer = Writer(shelf := Shelf())
    await writer.take_over()
    await writer.keep(10)
    place = len(shelf.records)
    shelf.records.append(Record(place, value))  # type: ignore[arg-type]
    with pytest.raises(StateError, match=said) as refused:
        await Writer(shelf).take_over()
    assert str(refused.value).startswith(f"hydrawatch-state [0], offset {place}: ")
    assert "hydrawatch state reset" in str(refused.value)


@pytest.mark.parametrize(("value", "said"), FOREIGN.values(), ids=FOREIGN)
async def test_whoever_keeps_a_stage_refuses_it(value: bytes | None, said: str) -> None:
    writer = Writer(shelf := Shelf())
    await writer.take_over()
    shelf.records.append(Record(len(shelf.records), value))  # type: ignore[arg-type]
    with pytest.raises(StateError, match=said) as refused:
        await writer.keep(10)
    assert str(refused.value).startswith("hydrawatch-state [0], offset 1: ")


class Read:
    """A consumer's record."""

    topic, partition = "hydrawatch-state", 5

    def __init__(self, offset: int, value: bytes | None) -> None:
        self.offset, self.value = offset, value


@pytest.mark.parametrize(("value", "said"), FOREIGN.values(), ids=FOREIGN)
def test_state_show_says_the_same(value: bytes | None, said: str) -> None:
    log = _Log()
    for offset, one in enumerate([records.encode(Fence(FORMAT, "w")), value, b"more"]):
        log.take(Read(offset, one))
    shown = log.kept("keys", 1, {}).problem
    assert shown.startswith("hydrawatch-state [5], offset 1: ")
    assert said in shown


@pytest.mark.parametrize("data", [b"no zstd", b""], ids=["rubbish", "empty"])
async def test_pages_that_nobody_packed_are_damaged_state(data: bytes) -> None:
    writer = Writer(shelf := Shelf())
    await writer.take_over()
    writer.part.change(1)
    await writer.keep(10)
    for place, record in enumerate(shelf.records):
        found = msgspec.msgpack.decode(record.value, type=records.Record)
        if isinstance(found, Pages):
            damaged = msgspec.structs.replace(found, data=data)
            shelf.records[place] = Record(place, records.encode(damaged))
        elif isinstance(found, Seal):
            sealed = place
    with pytest.raises(StateError, match="pages of entry 1 are damaged") as refused:
        await Writer(shelf).take_over()
    assert str(refused.value).startswith(f"hydrawatch-state [0], offset 1 to {sealed}: ")
