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
_OTHER = rf"[.?!:;,]|\n(?: ?[{_MARKS}])?|{SLOT}++"
# Possessive (++): a word is never given back. The first pattern is the same for ASCII, and faster.
_ASCII_TOKEN = re.compile(rf"[a-z]++(?:['-][a-z]++)*+|{_OTHER}")
_TOKEN = re.compile(
    rf"{_LETTER}++(?:['-]{_LETTER}++)*+|{_OTHER}|(?=[{_UNSPACED}])(?:{'|'.join(UNSPACED)}|.)"
)

_CUT = -1  # the level of a break
CUTS = dict.fromkeys(BREAKS, _CUT)  # to be among the levels
_SHORT = 4  # words added to a segment's length, lest a single word be the densest segment of all
# Tenths: questions, and what stands first or last, are rather frame; entries of lists are rather filling.
_QUESTION, _FIRST, _LAST, _ENTRY = 13, 12, 15, 7


_ONE = 1024  # weight of the best segment
_LEAST = 51  # a segment that weighs less than a twentieth of the best is filling


class Segment(NamedTuple):
    """Words between two breaks: where they stand among the tokens, what ends them, what they weigh."""

    start: int
    stop: int
    end: str  # one of BREAKS; a line break at the end of the text
    place: str  # "first ", "last ", both, or neither: where it stands in the prompt
    weight: int  # 51 to 1024


def tokens_of(masked: str) -> list[str]:
    """Split a masked text into words, slots and breaks; a list's mark is part of its line break."""
    pattern = _ASCII_TOKEN if masked.isascii() else _TOKEN
    return pattern.findall(f"\n{masked}")


def segments_of(tokens: list[str], levels: dict[str, int]) -> list[Segment]:
    """Cut tokens at breaks and give the segments that weigh, by the levels of their words.

    `levels` has the words' levels and `CUTS`.
    """
    parts = _parts(tokens, levels)
    if not parts:
        return []
    scores: list[int] = []
    for start, stop, end, total in parts:
        score = 1000 * total // (stop - start + _SHORT)
        if end == "?":
            score = score * _QUESTION // 10
        if tokens[start - 1] in ENTRIES:  # the first token is a line break
            score = score * _ENTRY // 10
        scores.append(score)
    scores[0] = scores[0] * _FIRST // 10
    scores[-1] = scores[-1] * _LAST // 10
    best = max(scores)
    if not best:
        return []
    least, last = -(-_LEAST_SHARE * best // _ONE), len(parts) - 1
    return [
        Segment(
            *parts[order][:3],
            place=("first " if order == 0 else "") + ("last " if order == last else ""),
            weight=_weight(score * _ONE // best),
        )
        for order, score in enumerate(scores)
        if score >= least
    ]


def _parts(tokens: list[str], levels: dict[str, int]) -> list[tuple[int, int, str, int]]:
    """Cut tokens at breaks: where each part starts and stops, what ends it, the sum of its levels."""
    parts: list[tuple[int, int, str, int]] = []
    start = total = 0
    for at, level in enumerate(map(levels.get, tokens)):
        if level:
            if level != _CUT:
                total += level
            else:
                if at > start:
                    parts.append((start, at, tokens[at], total))
                start, total = at + 1, 0
    if len(tokens) > start:
        parts.append((start, len(tokens), "\n", total))
    return parts


def _weight(share: int) -> int:
    """Give a segment's weight, 0 to 1024: the eighth power of its score's share of the best."""
    square = share * share // _ONE
    fourth = square * square // _ONE
    return fourth * fourth // _ONE


_LEAST_SHARE = next(share for share in range(_ONE + 1) if _weight(share) >= _LEAST)
