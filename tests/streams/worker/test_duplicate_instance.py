"""Two workers with one instance id are told, and rebalances are not taken for them."""

from __future__ import annotations

import pytest

from detectors.errors import ConfigError
from streams.worker.duplicate_instance import DuplicateInstance


def test_a_place_that_is_lost_again_and_again_in_one_generation_is_a_twins_doing() -> None:
    duplicates = DuplicateInstance("one")
    for _ in range(3):
        duplicates.assigned(7)
    with pytest.raises(ConfigError, match="HYDRAWATCH_INSTANCE_ID = 'one'"):
        duplicates.assigned(7)


def test_any_number_of_rebalances_is_nobodys_fault() -> None:
    duplicates = DuplicateInstance("one")
    for generation in range(100):
        duplicates.assigned(generation)
        duplicates.assigned(generation)  # the predecessor had not ended yet


def test_a_worker_without_an_instance_id_has_no_twin() -> None:
    duplicates = DuplicateInstance(None)
    for _ in range(100):
        duplicates.assigned(7)
