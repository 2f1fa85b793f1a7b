"""The host: which form runs, what it remembers of whom, and what becomes of one that raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.errors import ContractError, StateError
from detectors.interface.detector import Card, Described, Scores, Windows
from detectors.interface.tunable import tunable
from detectors.judging.closing import Finding
from detectors.judging.column_run import ColumnRun
from detectors.judging.features import FEATURES
from detectors.judging.host import Host
from detectors.judging.isolation import WHOLE
from detectors.judging.observe_run import ObserveRun
from detectors.volume import AccountVolume
from tests.detectors.judging.hosts import BOTH, HOUR, ROWS, at, closed, kept, said
from tests.small_detectors import Busy, BusyColumns


def test_columns_run_where_there_are_columns_and_observe_runs_else() -> None:
    host = Host((AccountVolume(), Busy(), BusyColumns()), "account", ROWS)
    assert [type(run) for run in host.runs] == [ColumnRun, ObserveRun, ColumnRun]
    assert Host((AccountVolume(), Busy()), "key", ROWS).runs == ()
    with pytest.raises(ContractError, match=r"volume.own_past.*`observe` and `active`"):
        Host((AccountVolume(),), "account")  # its stage has no table to keep columns beside


def test_both_forms_find_the_same_and_remember_each_entity_alone() -> None:
    host = Host(BOTH, "account", ROWS)
    said(host, 0, {1: 5.0, 2: 20.0})
    observed, columns = said(host, 1, {2: 30.0, 1: 40.0})
    assert [(e, f.observed, f.expected) for e, f in observed] == [(1, 40.0, 45.0), (2, 30.0, 50.0)]
    assert sorted((e, f.observed, f.expected) for e, f in columns) == [
        (1, 40.0, 45.0),
        (2, 30.0, 50.0),
    ]


@pytest.mark.parametrize("detector", BOTH)
def test_one_entity_that_raises_goes_without_and_nothing_is_learned_of_it(
    detector: Described,
) -> None:
    host = Host((detector,), "account", ROWS)
    said(host, 0, {1: 20.0, 2: 20.0})
    (found,) = said(host, 1, {1: 666.0, 2: 30.0})
    assert [entity for entity, _ in found] == [2]
    isolation = host.runs[0].isolation
    assert (isolation.times, isolation.entities(at(1).tick)) == (1, 1)
    assert isolation.newest is not None
    assert isolation.newest.error == "ValueError"
    (found,) = said(host, 2, {1: 30.0})
    assert found[0][1].expected == 50.0  # the hour that raised is not in it


def test_columns_that_raise_as_a_whole_cost_that_closing_and_no_other_detector() -> None:
    host = Host(BOTH, "account", ROWS)
    busy = dict.fromkeys(range(1, WHOLE + 1), 20.0)
    observed, columns = said(host, 0, busy | {5: 999.0})
    assert (len(observed), columns) == (8, [])
    assert host.runs[1].isolation.times == WHOLE
    assert host.runs[1].isolation.whole
    assert host.runs[0].isolation.times == 0
    _, columns = said(host, 1, busy)
    assert len(columns) == WHOLE
    assert not host.runs[1].isolation.whole


def test_what_says_nothing_of_a_detector_stops_the_worker() -> None:
    class Exhausted(BusyColumns):
        def observe_columns(self, memory: Any, windows: Windows) -> Scores:
            raise MemoryError

    with pytest.raises(MemoryError):
        said(Host((Exhausted(),), "account", ROWS), 0, {1: 5.0})


def test_an_entity_that_is_erased_or_evicted_is_as_if_never_seen() -> None:
    host, fresh = (Host(BOTH, "account", ROWS, peaks=True) for _ in range(2))
    said(host, 0, {1: 20.0, 2: 20.0})
    said(fresh, 0, {2: 20.0})
    host.erase([1], np.array([0]))
    assert host.evidence(1, 0, -1, 60) == ()
    assert len(host.evidence(2, 1, -1, 60)) == 2
    assert said(host, 1, {1: 30.0}) == said(fresh, 1, {1: 30.0})
    host.erase([1, 2], np.array([0, 1]))
    assert not any(table.any() for table in kept(host).values())


def test_a_host_restored_at_any_cut_goes_on_exactly() -> None:
    rng = np.random.default_rng(4)
    through, cut = (Host(BOTH, "account", ROWS, peaks=True) for _ in range(2))
    for hour in range(60):
        some = rng.choice(np.arange(1, ROWS + 1), 9, replace=False).tolist()
        requests = {e: float(r) for e, r in zip(some, rng.integers(1, 40, 9), strict=True)}
        fresh = Host(BOTH, "account", ROWS, peaks=True)
        fresh.restore(kept(cut))
        cut = fresh
        assert said(cut, hour, requests) == said(through, hour, requests)
        assert all(
            (a == b).all() for a, b in zip(kept(cut).values(), kept(through).values(), strict=True)
        )


def test_a_memory_that_cannot_be_told_starts_fresh() -> None:
    host = Host((Busy(),), "account", ROWS)
    said(host, 0, {1: 20.0})
    tables = kept(host)
    name = "memory:busy:v1.bytes"
    tables[name][: Busy.card.max_bytes] = 0xC1  # no byte of msgpack
    fresh = Host((Busy(),), "account", ROWS)
    fresh.restore(tables)
    ((found,),) = said(fresh, 1, {1: 30.0})
    assert found[1].expected == 30.0
    tables[name] = tables[name][:-1]
    with pytest.raises(StateError, match=name):
        Host((Busy(),), "account", ROWS).restore(tables)


@dataclass(frozen=True)
class Daily(Busy):
    """Reads days alone."""

    least: float = tunable(10.0, "requests that are many", low=0, high=1e9)
    card: ClassVar[Card] = msgspec.structs.replace(
        Busy.card, name="daily", window="day", reads=("day_requests",)
    )


def test_spans_that_nobody_reads_cost_nothing() -> None:
    host = Host((Daily(),), "account", ROWS)
    assert host.spans() == {"day"}
    windows = closed({1: 20.0})._replace(entities=None)  # type: ignore[arg-type]
    assert host.close(windows, at(0)) == []  # not even looked at
    assert len(Host(BOTH, "account", ROWS).close(closed({1: 20.0}), at(0))) == 2


def test_every_feature_is_known_once_for_each_entity_it_belongs_to() -> None:
    known = [(entity, f.name) for f in FEATURES for entity in f.entities]
    assert len(known) == len(set(known))


def test_time_is_counted_by_detector_with_the_clock_that_the_edge_lends() -> None:
    host = Host(BOTH, "account", ROWS)
    ticks = iter(range(100))
    said(host, 0, {1: 5.0})
    assert [run.seconds for run in host.runs] == [0.0, 0.0]
    host.clock = lambda: float(next(ticks))
    said(host, 1, {1: 5.0})
    assert [run.seconds for run in host.runs] == [1.0, 1.0]


def test_findings_name_the_window_they_are_about() -> None:
    host = Host(BOTH, "account", ROWS)
    windows = closed({4: 1.0, 2: 20.0})
    for _, closing in host.close(windows, at(3)):
        (found,) = closing.findings
        assert isinstance(found, Finding)
        assert found.place == 1
        assert (found.evidence.window_end, found.spread) == (4 * HOUR, None)
