"""Where a prompt lies among prompts, in 32 small numbers: a random projection of its shingles.

A shingle is 6 neighbouring octets of the folded text, so that languages without spaces need no
words. docs/fingerprints.md, section 6.
"""

from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt

from hydrawatch.fingerprints.masking import fold

Words = npt.NDArray[np.uint64]

SIZE = 32
_WIDTH = 6  # octets of a shingle
_GREATEST = 127
_SHIFT = np.uint64(32)


class Sketcher:
    """Sketches of prompts under one 32-byte key."""

    __slots__ = ("_add", "_first", "_second")

    def __init__(self, key: bytes) -> None:
        words = np.frombuffer(key, dtype="<u8").astype(np.uint64)
        self._add, self._first, self._second = (
            words[0],
            words[1] | np.uint64(1),
            words[2] | np.uint64(1),
        )

    def sketch(self, text: str) -> str | None:
        """Give base64 of 32 int8, each a signed sum over shingles scaled by the longest; None if blank."""
        octets = _octets(text)
        if not len(octets):
            return None
        sums = self._project(_shingles(octets))
        greatest = max(1, int(np.abs(sums).max()))
        # whole numbers all the way: rounded half away from zero, the same on every machine
        scaled = np.sign(sums) * ((2 * _GREATEST * np.abs(sums) + greatest) // (2 * greatest))
        return base64.b64encode(scaled.astype(np.int8).tobytes()).decode()

    def _project(self, shingles: Words) -> npt.NDArray[np.int64]:
        """Sum the shingles' signs, one per number: the 32 upper bits of a keyed mix."""
        mixed = (shingles + self._add) * self._first
        mixed ^= mixed >> _SHIFT
        mixed *= self._second
        signs = np.unpackbits((mixed >> _SHIFT).astype(">u4").view(np.uint8)).reshape(-1, SIZE)
        return 2 * signs.sum(axis=0, dtype=np.int64) - len(shingles)


def _octets(text: str) -> npt.NDArray[np.uint8]:
    """Fold a text as its template is folded, white space as one blank; UTF-8."""
    folded = " ".join(fold(text).split())
    return np.frombuffer(folded.encode("utf-8", "surrogatepass"), dtype=np.uint8)


def _shingles(octets: npt.NDArray[np.uint8]) -> Words:
    """Give the shingles of a text as numbers, the first octet lowest; a short text is one."""
    wide = octets.astype(np.uint64)
    count = max(1, len(wide) - _WIDTH + 1)
    numbers = np.zeros(count, dtype=np.uint64)
    for place in range(min(_WIDTH, len(wide))):
        numbers |= wide[place : place + count] << np.uint64(8 * place)
    return numbers
