"""Whether a detector gave what its form promises; what did not is isolated like what raised.

A detector of another package may give anything. Nothing behind the host looks at it again.
"""

from __future__ import annotations

import math
from typing import Any, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.errors import ContractError
from detectors.interface.clock import DAY_MS
from detectors.interface.detector import SCALE, SURPRISE_CAP, Card, Evidence, Scores
from detectors.interface.family import Family

EVIDENCE_BYTES = 1024  # what one piece of evidence may take, encoded
REACHES_MS = 3_650 * DAY_MS  # how far back evidence may reach: longer than anything is kept
_OF_COHORTS = ("deviation", "spread", "level")
_FAMILIES = frozenset(get_args(Family))


def _plain(number: Any) -> Any:
    """numpy's scalars as the plain ones that they stand for."""
    plain = number.item() if isinstance(number, np.generic) else number
    if type(plain) in (bool, int, float, str):
        return plain
    raise TypeError(f"evidence holds a {type(number).__name__}")


encoded = msgspec.msgpack.Encoder(enc_hook=_plain).encode
_decode = msgspec.msgpack.Decoder(Evidence).decode


def sound_scores(scores: Any, count: int) -> Scores:
    """The scores of `count` windows, numbers as float64. Raises ContractError where they are none."""
    if not isinstance(scores, Scores):
        raise ContractError("observe_columns gives no Scores")
    columns: list[Any] = []
    for name, column in zip(Scores._fields, scores, strict=True):
        if column is None and name in _OF_COHORTS:
            columns.append(None)
            continue
        if not isinstance(column, np.ndarray) or column.shape != (count,):
            raise ContractError(f"its {name} is no array of {count}")
        told = name in ("odd", "failed")
        if column.dtype.kind not in ("b" if told else "iuf"):
            raise ContractError(f"its {name} is of {'truth values' if told else 'numbers'}")
        columns.append(np.asarray(column, np.bool_ if told else np.float64))
    return Scores(*columns)


def beyond(scores: Scores) -> NDArray[np.bool_]:
    """Of which windows nothing can be told to a cohort: sums over it would not hold them."""
    judged = ~np.isnan(scores.surprise)
    found = np.zeros(judged.size, np.bool_)
    if scores.deviation is not None:
        found |= judged & (np.abs(scores.deviation) > SCALE)  # nan: no past of its own
    if scores.spread is not None:
        found |= judged & ((scores.spread < 0.0) | (scores.spread > SCALE))
    if scores.level is not None:
        found |= np.abs(scores.level) > SCALE  # nan: none
    return found


def without(scores: Scores, places: NDArray[np.bool_]) -> Scores:
    """The scores as if the detector had raised for the windows at some places."""
    nan = np.where(places, np.nan, 0.0)
    level = None if scores.level is None else scores.level + nan
    return scores._replace(odd=scores.odd & ~places, surprise=scores.surprise + nan, level=level)


def sound_evidence(given: Any, card: Card, end: int) -> Evidence:
    """Evidence as whoever reads it later will have it, numpy's scalars made plain.

    `end` (ms) is that of the window it is about. Raises ContractError where it is none, holds what
    evidence does not, is not of this detector, or speaks of another time than up to then.
    """
    if not isinstance(given, Evidence):
        raise ContractError("observe gives something else than evidence")
    try:
        evidence = _decode(encoded(given))
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ContractError(f"evidence holds what evidence does not: {error}") from error
    if evidence.detector != card.tag:
        raise ContractError(f"evidence is signed with {card.tag}, by who gives it")
    if evidence.family not in _FAMILIES or card.family not in (None, evidence.family):
        raise ContractError("evidence is of another family than its detector")
    numbers = (evidence.observed, evidence.expected, evidence.surprise)
    if not all(map(math.isfinite, numbers)) or not 0.0 <= evidence.surprise <= SURPRISE_CAP:
        raise ContractError("evidence is finite, and its surprise from 0 to the cap")
    if not end - REACHES_MS <= evidence.window_start < evidence.window_end <= end:
        raise ContractError("evidence is of the ten years up to the end of the window it is about")
    if len(encoded(evidence)) > EVIDENCE_BYTES:
        raise ContractError(f"evidence of more than {EVIDENCE_BYTES} bytes")
    return evidence
