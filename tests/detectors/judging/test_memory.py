"""Memories in kept state: a detector may come, go and change, and nothing else is refused for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.accounts.partition import AccountPartition
from detectors.errors import StateError
from detectors.interface.detector import Card, Seen
from detectors.judging.column_run import ColumnRun
from detectors.judging.memory import Memory, is_memory, other_versions, table_name
from detectors.state.checkpoint import shapes_of
from detectors.volume import AccountVolume
from detectors.volume_baseline import BASELINE
from tests.detectors.state.test_checkpoint import Log
from tests.small_detectors import Busy
from tests.stage_stories import DAY, START, baselines, config, feed, request

CARD = AccountVolume().card
PLAIN = config()
WITH_BUSY = replace(PLAIN, detectors=(*PLAIN.detectors, Busy()))
EVENTS = [request(n, START + n * DAY // 400, f"a{n % 5}") for n in range(900)]


def memory(rows: int = 4, **card: Any) -> Memory:
    return Memory(msgspec.structs.replace(CARD, **card), BASELINE, rows, peaks=True)


def bytes_of(tables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {n: np.frombuffer(t.tobytes(), np.uint8).copy() for n, t in tables.items()}


def moved(before: AccountPartition, after: AccountPartition) -> AccountPartition:
    """`after`, gone on from the state that `before` kept."""
    log = Log()
    log.keep(before.checkpoint())
    kept = after.restoration()
    after.restore(kept, log.read_into(kept))
    return after


def test_a_table_is_named_by_detector_and_version_and_kept_as_far_as_it_is_used() -> None:
    one = memory()
    one.table["days"] = [3, 2, 1, 0]
    one.strengthen(1, Seen(5.0, 1.0, 9.0, 77))
    tables = one.tables(2)
    assert {n: t.size for n, t in tables.items()} == {
        "memory:volume.own_past:v1": 2,
        "memory:volume.own_past:v1.peaks": 2,
    }
    assert all(map(is_memory, tables))
    other = memory()
    other.restore(bytes_of(tables))
    assert other.table["days"].tolist() == [3, 2, 0, 0]
    assert other.strongest(1, 4) == Seen(5.0, 1.0, 9.0, 77, 4)


def test_only_stronger_evidence_takes_the_place_of_what_was_kept() -> None:
    one = memory()
    assert one.strongest(0, 0) is None
    for surprise, end in ((7.0, 1), (9.0, 2), (9.0, 3), (8.0, 4)):
        one.strengthen(0, Seen(1.0, 1.0, surprise, end))
    assert one.strongest(0, 0) == Seen(1.0, 1.0, 9.0, 2, 0)
    one.empty(np.array([0]))
    assert one.strongest(0, 0) is None


def test_more_rows_than_there_are_and_rows_of_another_size_are_refused_by_name() -> None:
    kept = bytes_of(memory(rows=5).tables(5))
    with pytest.raises(StateError, match=r"memory:volume\.own_past:v1"):
        memory(rows=4).restore(kept)
    name = table_name(CARD)
    with pytest.raises(StateError, match=name):
        memory().restore({name: np.zeros(BASELINE.itemsize + 1, np.uint8)})


def test_memories_of_other_versions_are_named_and_those_that_came_or_went_are_not() -> None:
    mine = ["accounts", "memory:a:v2", "memory:a:v2.bytes", "memory:new:v1"]
    kept = ["accounts", "memory:a:v1", "memory:a:v1.bytes", "memory:gone:v1"]
    assert other_versions(mine, kept) == [("a", "v1", "v2")]
    assert other_versions(mine, mine) == []
    older, newer = memory(), memory(memory_version=2)
    older.table["days"] = 3
    newer.restore(bytes_of(older.tables(4)))
    assert not newer.table["days"].any()


def test_a_new_detector_starts_empty_and_one_that_is_gone_is_left_behind() -> None:
    plain, busy = AccountPartition(PLAIN, 0), AccountPartition(WITH_BUSY, 0)
    for partition in (plain, busy):
        feed(partition, EVENTS[:600])
    assert baselines(plain)["days"].any()
    came = moved(plain, AccountPartition(WITH_BUSY, 0))
    assert (baselines(came) == baselines(plain)).all()
    assert not any(t.view(np.uint8).any() for n, t in came.host.tables(9).items() if "busy" in n)
    went = moved(busy, AccountPartition(PLAIN, 0))
    assert (baselines(went) == baselines(plain)).all()
    assert went.host.tables(9).keys() == plain.host.tables(9).keys()
    for partition in (plain, came, went):
        feed(partition, EVENTS[600:])
    assert (baselines(came) == baselines(plain)).all()
    assert (baselines(went) == baselines(plain)).all()


def test_a_partition_with_both_kinds_of_memory_goes_on_exactly() -> None:
    through = AccountPartition(WITH_BUSY, 0)
    cut = AccountPartition(WITH_BUSY, 0)
    for at in range(0, len(EVENTS), 170):
        feed(through, EVENTS[at : at + 170])
        feed(cut, EVENTS[at : at + 170])
        cut = moved(cut, AccountPartition(WITH_BUSY, 0))
        for name, table in through.host.tables(20).items():
            assert cut.host.tables(20)[name].tobytes() == table.tobytes()


class Wider(Busy):
    card: ClassVar[Card] = msgspec.structs.replace(Busy.card, max_bytes=Busy.card.max_bytes + 1)


def test_memories_kept_with_other_room_are_another_layout() -> None:
    """Or one entity would read what is another's."""

    def shapes(detector: Any) -> dict[str, str]:
        rules = replace(PLAIN, detectors=(*PLAIN.detectors, detector))
        return shapes_of(AccountPartition(rules, 0).checkpoint().tables)

    one, other = shapes(Busy()), shapes(Wider())
    assert {n for n in one if one[n] != other[n]} == {"memory:busy:v1.bytes"}


def test_an_account_that_is_erased_is_forgotten_by_all_detectors() -> None:
    partition = AccountPartition(WITH_BUSY, 0)
    feed(partition, EVENTS[:600])
    used = int((baselines(partition)["days"] > 0).sum())
    fp = int(partition.state.accounts["fp"][0])
    active = partition.host.runs[1]
    assert not isinstance(active, ColumnRun)
    assert fp in active.active.slots["entity"]
    partition.erase(fp)
    assert (baselines(partition)["days"] > 0).sum() == used - 1
    assert fp not in active.active.slots["entity"]
