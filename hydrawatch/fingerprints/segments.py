"""The parts of a masked prompt, and how much each speaks of a task: its frame scores, its filling does not.

docs/fingerprints.md, section 5.3 and 5.4.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hydrawatch.fingerprints.lexicon import UNSPACED
from hydrawatch.fingerprints.masking import SLOT

COMMA, STOP = ",", "."
_MARKS = "-*•#>"  # what begins an entry of a list, at the beginning of its line
ENTRIES = {f"\n{blank}{mark}": mark for mark in _MARKS for blank in ("", " ")}
BREAKS = frozenset((".", "?", "!", ":", ";", COMMA, "\n", *ENTRIES))

# Written without spaces: kana, ideographs, Hangul, Thai, and the planes of rare ideographs.
_UNSPACED = (
    "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_OTHER = rf"[.?!:;,]|\n(?: ?[{_MARKS}])?|{SLOT}+"
_ASCII_TOKEN = re.compile(rf"[a-z]+(?:['-][a-z]+)*|{_OTHER}")  # the same for ASCII, and much faster
_TOKEN = re.compile(rf"{_LETTER}+(?:['-]{_LETTER}+)*|{_OTHER}|{'|'.join(UNSPACED)}|[{_UNSPACED}]")

_SHORT = 4  # words added to a segment's length, lest a single word be the densest segment of all
# Tenths: questions, and what stands first or last, are rather frame; entries of lists are rather filling.
_QUESTION, _FIRST, _LAST, _ENTRY = 13, 12, 15, 7


class Segment(NamedTuple):
    """Words between two breaks: where they stand among the tokens, what ends them, what they score."""

    start: int
    stop: int
    end: str  # one of BREAKS; a line break at the end of the text
    place: str  # "first ", "last ", both, or neither: where it stands in the prompt
    score: int  # thousandths of a level per word


def tokens_of(masked: str) -> list[str]:
    """Split a masked text into words, slots and breaks; a list's mark is part of its line break."""
    pattern = _ASCII_TOKEN if masked.isascii() else _TOKEN
    return pattern.findall(f"\n{masked}")


def segments_of(tokens: list[str], levels: dict[str, int]) -> list[Segment]:
    """Cut tokens at breaks and score each segment by its words' levels; one without a level is left out."""
    parts: list[tuple[int, int, str, int]] = []
    start = total = 0
    level_of = levels.get
    for at, token in enumerate(tokens):
        if level := level_of(token):
            total += level
        elif token in BREAKS:
            if at > start:
                parts.append((start, at, token, total))
            start, total = at + 1, 0
    if len(tokens) > start:
        parts.append((start, len(tokens), "\n", total))
    last = len(parts) - 1
    segments: list[Segment] = []
    for order, (start, stop, end, total) in enumerate(parts):
        if not total:
            continue  # no score, no weight
        score = 1000 * total // (stop - start + _SHORT)
        place = ""
        if end == "?":
            score = score * _QUESTION // 10
        if start and tokens[start - 1] in ENTRIES:
            score = score * _ENTRY // 10
        if order == 0:
            score, place = score * _FIRST // 10, "first "
        if order == last:
            score, place = score * _LAST // 10, place + "last "
        segments.append(Segment(start, stop, end, place, score))
    return segments
