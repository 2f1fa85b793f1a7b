"""The shingles of a prompt's frame, with their weights: what a template's fingerprint is made of.

Segments that speak of a task count by the eighth power of their score, so that the frame outweighs
pages of filling. docs/fingerprints.md, section 5.5.
"""

from __future__ import annotations

from math import isqrt

from hydrawatch.fingerprints.lexicon import LEVELS, OFTEN
from hydrawatch.fingerprints.segments import (
    COMMA,
    CUTS,
    ENTRIES,
    STOP,
    Segment,
    segments_of,
    tokens_of,
)

_LEVELS = {**LEVELS, **CUTS}
_ENTRIES = frozenset(ENTRIES)
_STEM, _SMALL = 2, 1  # a word's part in the weight of a pair
_WHOLE = 6  # weight of a segment's stems in a row, times the root of their number
_MARK = 512  # weight of how the lists of a prompt are marked


def shingles_of(masked: str) -> dict[str, int]:
    """Give the shingles of a masked prompt with their weights; none for a text without a word.

    Where no task word is in the frame, every word is taken for one: two questions on one subject
    are then near only if they are worded alike.
    """
    tokens = tokens_of(masked)
    shingles = _frame(tokens, _LEVELS)
    if not shingles:
        words = {token: OFTEN for token in tokens if token[0].isalpha()}
        shingles = _frame(tokens, {**words, **CUTS})
    if shingles:
        for line in _ENTRIES.intersection(tokens):
            shingles[f"mark {ENTRIES[line]}"] = _MARK
    return shingles


def _frame(tokens: list[str], levels: dict[str, int]) -> dict[str, int]:
    """Give the shingles of the segments that weigh, each with the greatest weight it has anywhere."""
    shingles: dict[str, int] = {}
    for segment in segments_of(tokens, levels):
        _add(shingles, tokens, segment, levels)
    return shingles


def _add(
    shingles: dict[str, int],
    tokens: list[str],
    segment: Segment,
    levels: dict[str, int],
) -> None:
    """Add a segment's pairs of neighbours, its pairs of stems, and its stems in a row."""
    weight = segment.weight
    before, before_part = f"{segment.place}^", _SMALL
    stem_before = before
    stems: list[str] = []
    for token in tokens[segment.start : segment.stop]:
        level = levels.get(token)
        if not level:
            continue  # filling, whatever its length
        part = _STEM if level >= OFTEN else _SMALL
        if part == _STEM:
            stems.append(token)
            _keep(shingles, f"{stem_before} .. {token}", _STEM * weight)
            stem_before = token
        if part == _STEM or before_part == _STEM:
            _keep(shingles, f"{before} {token}", (part + before_part) * weight)
        before, before_part = token, part
    if before_part == _STEM and segment.end != COMMA:
        end = STOP if segment.end[0] == "\n" else segment.end
        _keep(shingles, f"{before} {end}", (_STEM + _SMALL) * weight)
    if stems:
        row = isqrt(_WHOLE * _WHOLE * len(stems) * weight * weight)
        _keep(shingles, f"{segment.place}= {' '.join(stems)}", row)


def _keep(shingles: dict[str, int], shingle: str, weight: int) -> None:
    """Keep a shingle with the greater of its weights."""
    if shingles.get(shingle, 0) < weight:
        shingles[shingle] = weight
