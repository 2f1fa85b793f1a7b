"""The parts of a masked prompt, and how much each speaks of a task: its frame scores, its filling does not.

docs/fingerprints.md, section 5.3 and 5.4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hydrawatch.fingerprints.lexicon import UNSPACED
from hydrawatch.fingerprints.masking import SLOT

COMMA, LINE, STOP = ",", "\n", "."
BREAKS = frozenset(".?!:;,\n")
MARKS = frozenset("-*•#>")  # what begins an entry of a list, at the beginning of its line

# Written without spaces: kana, ideographs, Hangul, Thai, and the planes of rare ideographs.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\u0e00-\u0e7f\U00020000-\U0003ffff"
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_TOKEN = re.compile(
    rf"{_LETTER}+(?:['-]{_LETTER}+)*|[.?!:;,\n{SLOT}]|(?<=\n)[-*•#>]|(?<=\n )[-*•]"
    rf"|{'|'.join(UNSPACED)}|[{_UNSPACED}]"
)

_SHORT = 4  # words added to a segment's length, lest a single word be the densest segment of all
# Tenths: questions, and what stands first or last, are rather frame; entries of lists are rather filling.
_QUESTION, _FIRST, _LAST, _ENTRY = 13, 12, 15, 7


@dataclass(frozen=True, slots=True)
class Segment:
    """Words between two breaks: where they stand among the tokens, what ends them, what they score."""

    start: int
    stop: int
    end: str  # one of BREAKS
    score: int  # thousandths of a level per word


def tokens_of(masked: str) -> list[str]:
    """Split a masked text into words, slots, list marks and breaks."""
    return _TOKEN.findall(f"{LINE}{masked}")


def segments_of(tokens: list[str], levels: dict[str, int]) -> list[Segment]:
    """Cut tokens at breaks and score each segment by the levels of its words."""
    parts: list[tuple[int, int, str, int]] = []
    start = total = 0
    level_of = levels.get
    for place, token in enumerate(tokens):
        if level := level_of(token):
            total += level
        elif token in BREAKS:
            if place > start:
                parts.append((start, place, token, total))
            start, total = place + 1, 0
    if len(tokens) > start:
        parts.append((start, len(tokens), LINE, total))
    last = len(parts) - 1
    return [
        Segment(start, stop, end, _score(tokens, start, stop, end, total, order, last))
        for order, (start, stop, end, total) in enumerate(parts)
    ]


def _score(
    tokens: list[str], start: int, stop: int, end: str, total: int, order: int, last: int
) -> int:
    """Score a segment: levels per word in thousandths, raised or lowered by what and where it is."""
    entry = tokens[start] in MARKS
    score = 1000 * total // (stop - start - entry + _SHORT)
    if end == "?":
        score = score * _QUESTION // 10
    if entry:
        score = score * _ENTRY // 10
    if order == 0:
        score = score * _FIRST // 10
    if order == last:
        score = score * _LAST // 10
    return score
