"""Surprise is -ln of an upper tail: equal to SciPy's where that is exact, and never nan."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.interface.detector import SURPRISE_CAP
from detectors.interface.surprise import (
    negative_binomial_surprise,
    normal_surprise,
    student_surprise,
)

stats = pytest.importorskip("scipy.stats", reason="the referee; installed with river")
ANY = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize("z", [-30.0, -5.0, -1.01, -1.0, 0.0, 0.5, 2.0, 7.0, 13.0])
def test_normal_tail_equals_scipys(z: float) -> None:
    assert normal_surprise(z) == pytest.approx(-stats.norm.logsf(z), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("df", [0.5, 1.0, 3.5, 5.0, 30.0, 1e4, 1e8])
@pytest.mark.parametrize("t", [-40.0, -1.0, -1e-9, 0.0, 0.3, 2.0, 9.0, 12.0, 1e3, 1e6])
def test_student_tail_equals_scipys(df: float, t: float) -> None:
    expected = -stats.t.logsf(t, df)
    assert student_surprise(t, df) == pytest.approx(
        min(expected, SURPRISE_CAP), rel=1e-6, abs=1e-12
    )


@pytest.mark.parametrize("shape", [0.05, 0.3, 1.0, 5.0, 99.0, 101.0, 1e4])
@pytest.mark.parametrize("mean", [0.01, 0.35, 7.0, 300.0, 3000.0])
@pytest.mark.parametrize("observed", [1, 2, 5, 20, 120, 400, 3500])
def test_negative_binomial_tail_equals_scipys(shape: float, mean: float, observed: int) -> None:
    expected = -stats.nbinom.logsf(observed - 1, shape, shape / (shape + mean))
    assert negative_binomial_surprise(observed, shape, mean) == pytest.approx(
        min(expected, SURPRISE_CAP), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize(("mean", "observed"), [(1e-6, 3), (0.35, 9), (40.0, 80), (3000.0, 3400)])
def test_a_large_shape_gives_the_poisson_tail(mean: float, observed: int) -> None:
    expected = -stats.poisson.logsf(observed - 1, mean)
    for shape in (1e12, math.inf):
        assert negative_binomial_surprise(observed, shape, mean) == pytest.approx(
            expected, rel=1e-5
        )


def test_the_poisson_tail_of_small_means_follows_its_leading_term() -> None:
    mean, observed = 1e-9, 4
    leading = observed * math.log(mean) - math.lgamma(observed + 1)
    assert negative_binomial_surprise(observed, 1e9, mean) == pytest.approx(-leading, rel=1e-6)


def test_a_far_student_tail_follows_its_power_law() -> None:
    near, far = student_surprise(1e4, 3.0), student_surprise(1e5, 3.0)
    assert far - near == pytest.approx(3.0 * math.log(10.0), rel=1e-6)


@given(a=ANY, b=ANY, c=ANY)
def test_no_input_gives_nan_or_leaves_the_range(a: float, b: float, c: float) -> None:
    for value in (normal_surprise(a), student_surprise(a, b), negative_binomial_surprise(a, b, c)):
        assert 0.0 <= value <= SURPRISE_CAP


@given(mean=st.floats(1e-4, 1e4), shape=st.floats(0.01, 1e6), observed=st.integers(0, 5000))
def test_more_is_never_less_surprising(mean: float, shape: float, observed: int) -> None:
    less = negative_binomial_surprise(observed, shape, mean)
    assert negative_binomial_surprise(observed + 1, shape, mean) >= less - 1e-9 * max(less, 1.0)


def test_student_tails_are_monotone() -> None:
    values = [student_surprise(float(t), 5.0) for t in np.linspace(-20, 60, 2001)]
    assert all(b >= a for a, b in pairwise(values))
