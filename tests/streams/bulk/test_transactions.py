"""How long what lies behind an open transaction has waited, and which offset is committed behind markers."""

from __future__ import annotations

from faust.types import TP

from streams.bulk.ledger import Ledger
from streams.bulk.transactions import OpenTransactions, Undecided

P0, P1 = TP("bulk", 0), TP("bulk", 1)


def test_what_waits_is_counted_from_when_its_transaction_is_the_first() -> None:
    now = [1000.0]
    open_ones = OpenTransactions(lambda: now[0])
    assert open_ones.look(P0, 100, 100) == Undecided(0, 0.0)
    assert open_ones.look(P0, 120, 100) == Undecided(20, 0.0)
    now[0] += 30
    assert open_ones.look(P0, 150, 100) == Undecided(50, 30.0)
    assert open_ones.look(P1, 150, 149) == Undecided(1, 0.0)
    assert open_ones.look(P0, 150, 130) == Undecided(20, 0.0)  # it has ended, and another is open
    now[0] += 10
    assert open_ones.look(P0, 150, 130) == Undecided(20, 10.0)
    assert open_ones.look(P0, 150, 150) == Undecided(0, 0.0)
    assert open_ones.look(P0, 160, 150) == Undecided(10, 0.0)


def test_a_broker_that_tells_nothing_has_nothing_open() -> None:
    open_ones = OpenTransactions()
    assert open_ones.look(P0, None, None) == Undecided(0, 0.0)
    assert open_ones.look(P0, 100, None) == Undecided(0, 0.0)


def test_markers_at_the_end_are_committed_with_what_lies_before_them() -> None:
    ledger = Ledger(0)
    delivery = ledger.deliver(0, 9)
    ledger.hollow.read(10, 13)
    assert ledger.committable() is None
    delivery.acked = True
    assert ledger.committable() == 13
    ledger.hollow.read(13, 15)
    assert ledger.committable() == 15
    ledger.deliver(15, 20)
    assert ledger.committable() == 15


def test_markers_behind_what_nobody_has_done_are_not_committed() -> None:
    ledger = Ledger(0)
    ledger.deliver(0, 9).acked = True
    ledger.deliver(10, 19)
    ledger.hollow.read(20, 23)
    assert ledger.committable() == 10
