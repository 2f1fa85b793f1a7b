"""The host: which form runs, what it remembers of whom, and what becomes of one that raises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.errors import ContractError, StateError
from detectors.interface.detector import Card, Described, Evidence, Scores, Windows
from detectors.interface.tunable import tunable
from detectors.judging.closing import Finding, Tick
from detectors.judging.cohort_sums import sums_of
from detectors.judging.column_run import ColumnRun
from detectors.judging.features import FEATURES, Closed
from detectors.judging.host import Host
from detectors.judging.isolation import WHOLE
from detectors.judging.observe_run import ObserveRun
from detectors.judging.soundness import REACHES_MS
from detectors.volume import AccountVolume
from tests.small_detectors import Busy, BusyColumns, said_by

HOUR = 3_600_000
ROWS = 20
BOTH: list[Described] = [Busy(), BusyColumns()]


def at(hour: int) -> Tick:
    return Tick(hour * 60 + 59, "hour", hour * HOUR, (hour + 1) * HOUR)


def closed(requests: dict[int, float]) -> Closed:
    """One window of each entity (1 on); its row is one less."""
    entities = np.array(list(requests), np.uint64)
    counts = np.array(list(requests.values()))
    rows = entities.astype(np.int64) - 1
    return Closed(entities, rows, np.zeros(0), rows, {"requests": counts, "trailing": counts}, {})


def said(host: Host, hour: int, requests: dict[int, float]) -> list[list[tuple[int, Evidence]]]:
    """By detector, the entities and evidence found in an hour."""
    windows = closed(requests)
    return [
        [(int(windows.entities[f.place]), f.evidence) for f in closing.findings]
        for _, closing in host.close(windows, at(hour))
    ]


def kept(host: Host) -> dict[str, np.ndarray]:
    return {
        name: np.frombuffer(table.tobytes(), np.uint8).copy()
        for name, table in host.tables(ROWS).items()
    }


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


class Odd(Busy):
    """Says what no detector may."""

    what: ClassVar[Any] = None

    def observe(self, memory: Any, window: Any, context: Any) -> Any:
        super().observe(memory, window, context)
        return self.what


def evidence(**changed: Any) -> Evidence:
    return msgspec.structs.replace(said_by(Busy.card, 20.0, 5.0, HOUR), **changed)


@pytest.mark.parametrize(
    "what",
    [
        7,
        ("a word",),
        (evidence(surprise=float("nan")),),
        (evidence(surprise=101.0),),
        (evidence(observed=float("inf")),),
        (evidence(detector="volume.own_past.v1"),),
        (evidence(family="volume"),),
        (evidence(parameter="x" * 2_000),),
        (evidence(parameter=None),),
        (evidence(parameter=b"requests"),),
        (evidence(parameter="\ud800"),),
        (evidence(unit=5),),
        (evidence(observed=10**400),),
        (evidence(observed=np.bool_(True)),),
        (evidence(surprise=True),),
        (evidence(expected=np.longdouble(5)),),
        (evidence(window_start="0"),),
        (evidence(window_start=1.5),),
        (evidence(window_start=-REACHES_MS),),
        (evidence(window_start=-(2**62)),),
        (evidence(window_start=HOUR),),
        (evidence(window_start=2**63),),
        (evidence(window_end=None),),
        (evidence(window_end=2 * HOUR + 1),),
        (evidence(sample_event_ids=None),),
        (evidence(sample_event_ids=(1, 2)),),
    ],
)
def test_evidence_that_is_none_is_isolated_and_its_window_is_not_learned(what: Any) -> None:
    class Says(Odd):
        pass

    host = Host((Says(),), "account", ROWS, peaks=True)
    Says.what = (evidence(),)
    assert said(host, 0, {1: 5.0}) == [[(1, evidence())]]
    before = kept(host)
    Says.what = what
    assert said(host, 1, {1: 5.0}) == [[]]
    assert host.runs[0].isolation.times == 1
    after = kept(host)
    assert (after["memory:busy:v1.bytes"] == before["memory:busy:v1.bytes"]).all()


def test_numpys_scalars_in_evidence_become_plain() -> None:
    class Says(Odd):
        pass

    Says.what = (
        evidence(
            observed=np.float64(20.0),
            expected=np.float32(5.0),
            surprise=9,
            unit=np.str_("requests"),
            window_end=np.int64(HOUR),
        ),
    )
    host = Host((Says(),), "account", ROWS, peaks=True)
    (((_, found),),) = said(host, 0, {1: 5.0})
    assert found == evidence()
    assert [type(value) for value in msgspec.structs.astuple(found)] == [
        type(value) for value in msgspec.structs.astuple(evidence())
    ]
    assert host.evidence(1, 0, -1, 60) == (found,)


def test_what_a_detector_says_of_its_strongest_window_is_looked_at_again() -> None:
    class Later(BusyColumns):
        unit: ClassVar[Any] = "requests"

        def evidence(self, seen: Any) -> Evidence:
            return msgspec.structs.replace(super().evidence(seen), unit=self.unit)

    host = Host((Later(),), "account", ROWS, peaks=True)
    said(host, 0, {1: 20.0})
    assert len(host.evidence(1, 0, -1, 60)) == 1
    Later.unit = None
    assert host.evidence(1, 0, -1, 60) == ()
    assert host.runs[0].isolation.times == 1


def test_an_entity_whose_kept_evidence_cannot_be_read_is_remembered_until_it_is_erased() -> None:
    host = Host(BOTH, "account", ROWS, peaks=True)
    said(host, 0, {11: 20.0})
    observed, columns = host.runs
    assert isinstance(observed, ObserveRun)
    assert isinstance(columns, ColumnRun)
    observed.active._bytes[:] = 0xC1  # no byte of msgpack
    columns.memory._peaks["observed"] = np.nan
    assert host.evidence(11, 10, -1, 60) == ()
    assert [run.isolation.entities(60) for run in host.runs] == [1, 1]
    host.erase([11], np.array([10]))
    assert [run.isolation.entities(60) for run in host.runs] == [0, 0]


@pytest.mark.parametrize("scores", [None, Scores.silent(3), Scores.silent(1)._replace(odd=[True])])
def test_scores_that_are_none_are_isolated(scores: Any) -> None:
    class Says(BusyColumns):
        def observe_columns(self, memory: Any, windows: Windows) -> Any:
            return scores

    host = Host((Says(),), "account", ROWS)
    assert said(host, 0, {1: 5.0}) == [[]]
    assert host.runs[0].isolation.newest is not None
    assert host.runs[0].isolation.newest.error == "ContractError"


def words(count: int) -> np.ndarray:
    return np.array(["x"] * count, object)


@pytest.mark.parametrize(
    "changed",
    [
        {"odd": np.ones(WHOLE)},
        {"odd": words(WHOLE)},
        {"failed": words(WHOLE)},
        {"surprise": words(WHOLE)},
        {"observed": words(WHOLE).astype(str)},
        {"expected": np.zeros(WHOLE, np.complex128)},
        {"deviation": words(WHOLE), "spread": np.ones(WHOLE)},
        {"level": words(WHOLE)},
        {"level": np.zeros(WHOLE, "M8[s]")},
    ],
)
def test_scores_of_another_type_are_isolated(changed: dict[str, Any]) -> None:
    class Says(BusyColumns):
        def observe_columns(self, memory: Any, windows: Windows) -> Any:
            return super().observe_columns(memory, windows)._replace(**changed)

    host = Host((Busy(), Says()), "account", ROWS)
    observed, columns = said(host, 0, dict.fromkeys(range(1, WHOLE + 1), 20.0))
    assert (len(observed), columns) == (8, [])
    assert [run.isolation.times for run in host.runs] == [0, WHOLE]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("deviation", v) for v in (np.inf, -np.inf, 1e5)),
        *(("spread", v) for v in (np.inf, -1.0, 1e5)),
        *(("level", v) for v in (np.inf, -np.inf, 1e300)),
    ],
)
def test_what_no_cohort_can_sum_costs_that_entity_alone(name: str, value: float) -> None:
    class Says(BusyColumns):
        def observe_columns(self, memory: Any, windows: Windows) -> Any:
            columns = {n: np.ones(windows.rows.size) for n in ("deviation", "spread", "level")}
            columns[name][1] = value
            return super().observe_columns(memory, windows)._replace(**columns)

    host = Host((Says(),), "account", ROWS)
    ((run, closing),) = host.close(closed({1: 20.0, 2: 20.0, 3: 20.0}), at(0))
    assert [f.place for f in closing.findings] == [0, 2]
    assert run.isolation.times == 1
    assert closing.scores is not None
    with np.errstate(all="raise"):
        (total,) = sums_of("busy", np.zeros(3, np.uint8), closing.scores)
    assert (total.shift_count, total.shift_sum) == (2, 2_000_000)
    assert (total.level_count, total.level_sum) == (2, 2_000_000)


@pytest.mark.parametrize(("name", "counted"), [("deviation", 2), ("spread", 3)])
def test_who_has_a_surprise_and_no_past_is_compared_as_who_has_none(
    name: str, counted: int
) -> None:
    class Says(BusyColumns):
        def observe_columns(self, memory: Any, windows: Windows) -> Any:
            columns = {n: np.ones(windows.rows.size) for n in ("deviation", "spread")}
            columns[name][1] = np.nan
            return super().observe_columns(memory, windows)._replace(**columns)

    host = Host((Says(),), "account", ROWS)
    ((run, closing),) = host.close(closed({1: 20.0, 2: 20.0, 3: 20.0}), at(0))
    assert run.isolation.times == 0
    assert [(f.deviation, f.spread) for f in closing.findings] == [(1, 1), (None, 0), (1, 1)]
    assert closing.scores is not None
    (total,) = sums_of("busy", np.zeros(3, np.uint8), closing.scores)
    assert (total.shift_count, total.shift_sum) == (counted, counted * 1_000_000)


@pytest.mark.parametrize("what", ["rows", "values", "facts"])
def test_one_that_writes_into_what_it_is_given_is_isolated_and_no_other_detector(
    what: str,
) -> None:
    class Writes(BusyColumns):
        card: ClassVar[Card] = msgspec.structs.replace(BusyColumns.card, name="writes")

        def observe_columns(self, memory: Any, windows: Windows) -> Scores:
            given = getattr(windows, what)
            for column in [given] if what == "rows" else given.values():
                column[:] = 0
            return super().observe_columns(memory, windows)

    host = Host((Writes(), BusyColumns()), "account", ROWS)
    windows = closed({1: 20.0, 2: 20.0})._replace(facts={"kind": np.ones(2)})
    (writes, _), (run, closing) = host.close(windows, at(0))
    assert (writes.isolation.times, run.isolation.times) == (2, 0)
    assert [(f.place, f.evidence.expected) for f in closing.findings] == [(0, 20.0), (1, 20.0)]
    assert windows.rows.tolist() == [0, 1]


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


def test_the_strongest_evidence_of_each_detector_is_kept_where_the_stage_asks_for_it() -> None:
    host = Host((AccountVolume(), *BOTH), "account", ROWS, peaks=True)
    said(host, 0, {1: 20.0})
    said(host, 1, {1: 30.0})
    found = host.evidence(1, 0, -1, 120)
    assert [(e.detector, e.observed) for e in found] == [
        ("busy.v1", 20.0),
        ("busy_columns.v1", 20.0),
    ]


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
