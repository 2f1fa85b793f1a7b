"""Distinct counts: close to the truth, indifferent to order and repetition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from detectors.kernels.distinct_counts import count_double, set_double


def _double(values: list[int]) -> np.ndarray:
    words = np.zeros(2, np.uint64)
    for value in values:
        set_double(words, 0, np.uint64(value))
    return words


@pytest.mark.parametrize("true", [1, 10, 60, 300, 1000, 2500])
def test_two_words_count_to_thousands(true: int) -> None:
    rng = np.random.default_rng(true)
    estimates = [
        count_double(*_double([int(v) for v in rng.integers(1, 2**63, true)])) for _ in range(40)
    ]
    assert abs(np.mean(estimates) / true - 1) < 0.2


def test_a_value_not_known_counts_for_nothing() -> None:
    assert count_double(*_double([0])) == 0.0


@given(hs.lists(hs.integers(1, 2**64 - 1), max_size=80), hs.randoms())
def test_order_and_repetition_change_nothing(values: list[int], random) -> None:
    shuffled = values * 2
    random.shuffle(shuffled)
    assert (_double(values) == _double(shuffled)).all()
