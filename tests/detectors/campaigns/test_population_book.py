"""What a large model's users did together excuses an account on it, and nobody else."""

from __future__ import annotations

import msgspec
import pytest

from detectors.campaigns.account_evidence import OwnEvidence
from detectors.campaigns.population_book import GroupEvidence, PopulationBook
from detectors.interface.clock import DAY_MS
from detectors.interface.detector import Evidence

SAID = Evidence(
    "drift.v1", "drift", "output_tokens_per_input_token", 2.0, 1.0, "tokens", 9.0, 0, DAY_MS
)
MODEL = GroupEvidence("model", 7, "large-5", 0.5, 1_000, 50_000, 20_000, SAID)
OWN = OwnEvidence(SAID, 1440, 0, DAY_MS, 100, 2_000, 0, 7, 5_000)


def excused(own: OwnEvidence, group: GroupEvidence = MODEL) -> bool:
    book = PopulationBook()
    book.hear((group,), 0)
    return book.explains(own) is not None


def test_an_account_that_is_a_small_part_of_its_model_is_excused_by_it() -> None:
    assert excused(OWN)


@pytest.mark.parametrize(
    "otherwise",
    [
        {"model": 8},
        {"model": 0},
        {"requests": 251},
        {"input_tokens": 12_501},
        {"output_tokens": 5_001},
        {"evidence": msgspec.structs.replace(SAID, observed=0.5)},
        {"evidence": msgspec.structs.replace(SAID, window_start=4 * DAY_MS)},
    ],
    ids=str,
)
def test_an_account_is_not_excused_by_a_model_that_is_not_its_own_or_that_it_moved(
    otherwise: dict[str, object],
) -> None:
    assert not excused(msgspec.structs.replace(OWN, **otherwise))


@pytest.mark.parametrize("otherwise", [{"share": 0.1}, {"entity": "cohort"}], ids=str)
def test_a_small_model_and_other_groups_excuse_nobody(otherwise: dict[str, object]) -> None:
    assert not excused(OWN, msgspec.structs.replace(MODEL, **otherwise))
