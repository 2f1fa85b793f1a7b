"""Whether a detector gave what its form promises; what did not is isolated like what raised.

A detector of another package may give anything. Nothing behind the host looks at it again.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import msgspec
import numpy as np

from detectors.errors import ContractError
from detectors.interface.detector import SURPRISE_CAP, Card, Evidence, Scores
from detectors.interface.family import Family

EVIDENCE_BYTES = 1024  # what one piece of evidence may take, encoded
_FAMILIES = frozenset(get_args(Family))
_encode = msgspec.msgpack.Encoder().encode


def sound_scores(scores: Any, count: int) -> Scores:
    """The scores of `count` windows as they are. Raises ContractError where they are none."""
    if not isinstance(scores, Scores):
        raise ContractError("observe_columns gives no Scores")
    for name, column in zip(Scores._fields, scores, strict=True):
        if column is None and name in ("deviation", "spread", "level"):
            continue
        if not isinstance(column, np.ndarray) or column.shape != (count,):
            raise ContractError(f"its {name} is no array of {count}")
    return scores


def sound_evidence(evidence: Any, card: Card) -> Evidence:
    """Evidence as it is. Raises ContractError where it is none, or not of this detector."""
    if not isinstance(evidence, Evidence):
        raise ContractError("observe gives something else than evidence")
    if evidence.detector != card.tag:
        raise ContractError(f"evidence is signed with {card.tag}, by who gives it")
    if evidence.family not in _FAMILIES or card.family not in (None, evidence.family):
        raise ContractError("evidence is of another family than its detector")
    numbers = (evidence.observed, evidence.expected, evidence.surprise)
    if not all(map(math.isfinite, numbers)) or not 0.0 <= evidence.surprise <= SURPRISE_CAP:
        raise ContractError("evidence is finite, and its surprise from 0 to the cap")
    if len(_encode(evidence)) > EVIDENCE_BYTES:
        raise ContractError(f"evidence of more than {EVIDENCE_BYTES} bytes")
    return evidence
