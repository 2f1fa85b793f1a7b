"""A 64-bit SimHash of the skeleton of a prompt: fillings of one template get near-equal values.

Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002. Two fingerprints
differ in as many of 64 bits as the angle between their weighted shingles is of half a turn.
docs/fingerprints.md, section 5.
"""

from __future__ import annotations

import hashlib

import numpy as np

from hydrawatch.fingerprints.masking import mask
from hydrawatch.fingerprints.shingles import shingles_of

_BITS = 64
_KEPT = 65_536  # hashes of shingles kept; frames' shingles come again and again


class TemplateHasher:
    """Fingerprints of prompts' templates under one 32-byte key."""

    __slots__ = ("_hashes", "_key")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hashes: dict[str, bytes] = {}

    def fingerprint(self, text: str) -> str | None:
        """Give 16 hex digits; None for a text without a word."""
        shingles = shingles_of(mask(text))
        if not shingles:
            return None
        hashes = b"".join(
            [self._hashes.get(shingle) or self._hash(shingle) for shingle in shingles]
        )
        bits = np.unpackbits(np.frombuffer(hashes, dtype=np.uint8)).reshape(-1, _BITS)
        weights = np.fromiter(shingles.values(), dtype=np.int64, count=len(shingles))
        # a bit is set where the shingles that have it weigh more than those that have not
        return np.packbits(2 * (weights @ bits) > weights.sum()).tobytes().hex()

    def _hash(self, shingle: str) -> bytes:
        """Hash a shingle: BLAKE2b with the key, 8 octets."""
        raw = shingle.encode("utf-8", "surrogatepass")
        value = hashlib.blake2b(raw, digest_size=_BITS // 8, key=self._key).digest()
        if len(self._hashes) >= _KEPT:
            self._hashes.clear()
        self._hashes[shingle] = value
        return value
