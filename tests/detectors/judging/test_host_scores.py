"""Scores in columns: what is none is isolated, and costs no other entity and no other detector."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest

from detectors.interface.detector import Card, Scores, Windows
from detectors.judging.cohort_sums import sums_of
from detectors.judging.host import Host
from detectors.judging.isolation import WHOLE
from tests.detectors.judging.hosts import ROWS, at, closed, said
from tests.small_detectors import Busy, BusyColumns


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
