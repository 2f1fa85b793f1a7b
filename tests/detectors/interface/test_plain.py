"""River's estimators as plain data: they go on exactly, and nothing else comes out of kept state."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import os
import subprocess
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as hs
from river import anomaly, drift, linear_model, stats, time_series
from river.base import DriftDetector
from river.drift import binary
from river.stats.base import Bivariate

from detectors.errors import ContractError
from detectors.interface.plain import from_plain, to_plain

HOLDS_A_FUNCTION = {"ChiSquared"}  # a defaultdict that makes Counters by a lambda


def makeable() -> Iterator[Any]:
    for room in (stats, drift, binary):
        for _, kind in inspect.getmembers(room, inspect.isclass):
            try:
                yield kind()
            except TypeError:
                continue  # it wants arguments


ESTIMATORS = [
    *makeable(),
    anomaly.HalfSpaceTrees(n_trees=4, height=4, window_size=20, seed=3),
    time_series.HoltWinters(alpha=0.3, beta=0.1, gamma=0.2, seasonality=4),
    linear_model.LogisticRegression(),
]
SERIES = [Random(n).random() for n in range(300)]


def named(value: Any) -> str:
    return type(value).__name__


def told(estimator: Any, x: float, at: int) -> Any:
    """Give an estimator a value, and ask what it says now."""
    if isinstance(estimator, anomaly.HalfSpaceTrees):
        estimator.learn_one({"x": x})
        return estimator.score_one({"x": x})
    if isinstance(estimator, time_series.HoltWinters):
        estimator.learn_one(x)
        return estimator.forecast(3) if at > 20 else None
    if isinstance(estimator, linear_model.LogisticRegression):
        estimator.learn_one({"x": x, "y": x * x}, x > 0.5)
        return estimator.predict_proba_one({"x": x})
    if isinstance(estimator, Bivariate):
        estimator.update(x, x * x + at % 3)
        return estimator.get()
    if type(estimator).__module__.startswith("river.drift.binary"):
        estimator.update(x > 0.5)
    else:
        estimator.update(x + (at > 150))
    if isinstance(estimator, DriftDetector) or hasattr(estimator, "drift_detected"):
        return estimator.drift_detected
    return estimator.get()


def carried(estimator: Any) -> Any:
    """The estimator after a way through bytes."""
    return from_plain(msgspec.msgpack.decode(msgspec.msgpack.encode(to_plain(estimator))))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=named)
def test_an_estimator_goes_on_as_if_it_had_not_been_put_down(estimator: Any) -> None:
    if named(estimator) in HOLDS_A_FUNCTION:
        told(estimator, 0.5, 1)
        with pytest.raises(ContractError, match="function"):
            to_plain(estimator)
        return
    whole, cut = copy.deepcopy(estimator), carried(estimator)
    said = [], []
    for at, x in enumerate(SERIES):
        if at % 37 == 0:
            cut = carried(cut)
        said[0].append(told(whole, x, at))
        said[1].append(told(cut, x, at))
    assert repr(said[0]) == repr(said[1])


def test_all_of_rivers_drift_and_statistics_are_tried() -> None:
    names = {named(e) for e in ESTIMATORS}
    assert names > {"ADWIN", "KSWIN", "PageHinkley", "DDM", "HDDMW", "EWMean", "Quantile", "IQR"}
    assert len(names) >= 35


def test_containers_arrays_and_what_stands_in_two_places_come_back_as_they_were() -> None:
    shared = stats.Mean()
    value = {
        "a": [1, 2.5, "x", b"y", None, True, (1, (2,))],
        "b": deque([1, 2, 3], 5),
        "c": Counter("aab"),
        "d": OrderedDict([(2, 1), (1, 2)]),
        3: {1, 2},
        (1, 2): frozenset([3]),
        "e": np.arange(6, dtype="<f4").reshape(2, 3),
        "f": [shared, shared],
    }
    back = carried(value)
    assert back["f"][0] is back["f"][1]
    assert (back.pop("e") == value.pop("e")).all()  # type: ignore[attr-defined]
    assert isinstance(back.pop("f")[0], stats.Mean)
    value.pop("f")
    assert back == value
    assert back["b"].maxlen == 5
    assert list(back["d"]) == [2, 1]
    made = carried(defaultdict(functools.partial(int, 7), a=1))
    assert (made["a"], made["new"]) == (1, 7)


def test_chance_goes_on_where_it_was() -> None:
    random = Random(5)
    random.random()
    assert carried(random).random() == random.random()


class Own:
    """A class of another package than River."""


@pytest.mark.parametrize(
    "value",
    [
        print,
        lambda: 1,
        os.system,
        Own(),
        Own,
        stats.Mean,
        subprocess.Popen,
        defaultdict(lambda: 1),
        [stats.Mean().update],
        np.array([object()]),
        {"x": object()},
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_estimator_is_not_written(value: Any) -> None:
    with pytest.raises(ContractError):
        to_plain(value)


def test_what_is_nested_without_end_is_not_written() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ContractError, match="deep"):
        to_plain(endless)


def river(name: str, *arguments: Any, called: bool = True, state: Any = None) -> dict[str, Any]:
    return {"river": [name, called, list(arguments), state, []]}


DIRTY = [
    river("os:system", "touch /tmp/owned"),
    river("subprocess:Popen", "true"),
    river("builtins:eval", "1"),
    river("river.stats.base:abc.ABC"),
    river("river.utils.pretty:inspect.getmodule", "os"),
    river("river.stats.mean:stats.base.abc.ABC"),
    river("river:utils.inspect"),
    river("river.stats.mean:__builtins__"),
    river("riverbed.stats:Mean"),
    river("river.stats.mean:Mean", called=False, state={"method": "__reduce__"}),
    river("river.stats.mean:Mean", called=False, state={"dict": [["n", {"method": "__class__"}]]}),
    {"method": "update"},
    {"same": 0},
    {"same": -1},
    {"holds": ["eval", [], None]},
    {"holds": ["defaultdict", [], ["eval", ["1"]]]},
    {"array": ["O", [1], b"12345678"]},
    {"array": ["<f8", [10**9], b"12345678"]},
    {"random": [1, 2, 3]},
    {"tuple": 5},
    {},
    {"tuple": [], "dict": []},
    river("river.neighbors.ann.nn_vertex:Vertex", called=False, state={"tuple": [1, {"dict": 2}]}),
]


@pytest.mark.parametrize("plain", DIRTY, ids=range(len(DIRTY)))
def test_kept_state_that_no_estimator_wrote_is_refused(plain: Any) -> None:
    with pytest.raises(ContractError):
        from_plain(plain)


def test_what_stands_in_slots_is_all_that_can_be_set_there() -> None:
    whole = stats.KolmogorovSmirnov()
    for at, x in enumerate(SERIES[:20]):
        told(whole, x, at)
    plain = to_plain(whole)
    holder, place = next((h, p) for h, p in _places(plain) if h[p] == "left")
    holder[place] = "__class__"
    with pytest.raises(ContractError, match="is no slot"):
        from_plain(plain)


names = hs.sampled_from(
    [
        *(f"{type(e).__module__}:{type(e).__qualname__}" for e in ESTIMATORS),
        "river.stats.base:Univariate", "river.utils.rolling:Rolling", "os:system", "river:stats",
        "river.anomaly.hst:HSTBranch", "", ":", "river.",
    ]
)  # fmt: skip
leaves = (
    hs.none() | hs.booleans() | hs.integers(-5, 300) | hs.floats() | hs.text(max_size=8)
    | hs.binary(max_size=60)
)  # fmt: skip


def nested(inner: hs.SearchStrategy[Any]) -> hs.SearchStrategy[Any]:
    some = hs.lists(inner, max_size=3)
    pairs = hs.lists(hs.tuples(inner, inner).map(list), max_size=3)
    kinds = hs.sampled_from(["deque", "Counter", "defaultdict", "set", "frozenset", "OrderedDict"])
    tags = hs.sampled_from(["tuple", "dict", "array", "method", "holds", "same", "random", "river"])
    return hs.one_of(
        some,
        hs.builds(lambda t, v: {t: v}, tags, inner | some | pairs),
        hs.builds(lambda k, i, m: {"holds": [k, i, m]}, kinds, some | pairs, inner),
        hs.builds(
            lambda n, c, a, s, i: {"river": [n, c, a, s, i]},
            names,
            hs.booleans(),
            some,
            hs.builds(lambda p: {"dict": p}, pairs) | inner,
            some,
        ),
    )


@settings(max_examples=400)
@given(hs.recursive(leaves, nested, max_leaves=12))
@example([[[[]]]] * 3)
def test_hostile_plain_data_raises_one_error_or_none(plain: Any) -> None:
    with contextlib.suppress(ContractError):
        from_plain(plain)


@settings(max_examples=200)
@given(hs.sampled_from(ESTIMATORS), hs.data())
def test_an_estimators_state_with_one_place_changed_raises_one_error_or_none(
    estimator: Any, data: hs.DataObject
) -> None:
    if named(estimator) in HOLDS_A_FUNCTION:
        return
    plain = to_plain(estimator)
    places = list(_places(plain))
    holder, key = data.draw(hs.sampled_from(places))
    holder[key] = data.draw(leaves)
    with contextlib.suppress(ContractError):
        from_plain(plain)


def _places(plain: Any) -> Iterator[tuple[Any, Any]]:
    items = enumerate(plain) if isinstance(plain, list) else plain.items()
    for key, value in list(items):
        yield plain, key
        if isinstance(value, (list, dict)):
            yield from _places(value)
