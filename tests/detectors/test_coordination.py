"""The detector of groups: an operator's look is named, an ordinary one is not, the unknown is not guessed."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.coordination import GROUPS_PER_OPERATOR, SIZE, Coordination
from detectors.coordination_weights import INTERCEPTS, KINDS_WEIGHED, READS, WEIGHTS
from detectors.interface.detector import Seen, Windows
from detectors.interface.key_kinds import KINDS, TEMPLATE
from detectors.interface.looks import LOOKS

# As an operator's and as a popular tool's groups of prompts are, of what is read.
OPERATOR = {
    "members": 6.0, "volume_spread": 0.3, "age_spread": 0.2, "share_spread": 0.1, "born_together": 0.9,
    "capability_alike": 0.1, "hours_alike": 0.2, "new_7d": 0.9, "client_top3": 1.0, "client_shared": 1.0,
    "network_shared": 1.0, "card_small": 0.8, "mean_cot_score": 2.0, "mean_age": -1.5,
    "mean_turns_share": -0.8, "mean_web_share": -0.8, "mean_volume": 1.0, "mean_output_length": 1.5,
}  # fmt: skip
TOOL = {
    "members": 6.0, "volume_spread": 1.3, "age_spread": 1.2, "share_spread": 0.4, "capability_alike": 0.8,
    "hours_alike": 1.2, "born_together": 0.1, "client_top3": 0.5, "client_shared": 0.8,
}  # fmt: skip


def windows(*looks: dict[str, float], kind: float = TEMPLATE) -> Windows:
    """Groups with such looks, 0 where none is given."""
    values = {name: np.array([one.get(name, 0.0) for one in looks]) for name in (SIZE, *READS)}
    rows = np.zeros(len(looks), np.int64)
    return Windows("hour", 0, 3_600_000, True, rows, values, {"kind": np.full(rows.size, kind)})


def test_an_operators_group_is_named_and_a_popular_tools_is_not() -> None:
    detector = Coordination()
    scores = detector.observe_columns(np.zeros(1, detector.memory), windows(OPERATOR, TOOL))
    assert scores.odd.tolist() == [True, False]
    assert scores.surprise[0] == pytest.approx(scores.observed[0] + GROUPS_PER_OPERATOR, abs=1e-3)


def test_of_a_kind_without_weights_nothing_is_said() -> None:
    detector = Coordination()
    scores = detector.observe_columns(np.zeros(1, detector.memory), windows(OPERATOR, kind=5.0))
    assert not scores.odd.any()
    assert np.isnan(scores.surprise).all()


def test_the_lower_of_both_models_counts() -> None:
    odds = Coordination().odds(windows(OPERATOR))[0]
    place = KINDS_WEIGHED.index(TEMPLATE)
    looks = np.array([OPERATOR.get(name, 0.0) for name in READS])
    both = WEIGHTS[place] @ looks + INTERCEPTS[place]
    assert odds == pytest.approx(both.min(), abs=1e-3)


def test_evidence_says_what_was_judged() -> None:
    evidence = Coordination().evidence(Seen(4.5, -8.0, 12.5, 3_600_000, TEMPLATE))
    assert evidence.family == KINDS[TEMPLATE].family
    assert evidence.parameter == "accounts_alike_per_template"
    assert (evidence.observed, evidence.surprise) == (4.5, 12.5)


def test_weights_are_of_looks_that_there_are() -> None:
    assert set(READS) <= set(LOOKS)
    assert WEIGHTS.shape == (len(KINDS_WEIGHED), 2, len(READS))
    assert np.isfinite(WEIGHTS).all()
