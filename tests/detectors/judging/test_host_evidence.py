"""What a detector says must be evidence: what is none is isolated, and what is kept is looked at again."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.interface.detector import Evidence
from detectors.judging.column_run import ColumnRun
from detectors.judging.host import Host
from detectors.judging.observe_run import ObserveRun
from detectors.judging.soundness import REACHES_MS
from detectors.volume import AccountVolume
from tests.detectors.judging.hosts import BOTH, HOUR, ROWS, kept, said
from tests.small_detectors import Busy, BusyColumns, said_by


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


def test_the_strongest_evidence_of_each_detector_is_kept_where_the_stage_asks_for_it() -> None:
    host = Host((AccountVolume(), *BOTH), "account", ROWS, peaks=True)
    said(host, 0, {1: 20.0})
    said(host, 1, {1: 30.0})
    found = host.evidence(1, 0, -1, 120)
    assert [(e.detector, e.observed) for e in found] == [
        ("busy.v1", 20.0),
        ("busy_columns.v1", 20.0),
    ]
