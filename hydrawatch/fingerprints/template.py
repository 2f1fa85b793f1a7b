"""A 64-bit SimHash of the skeleton of a prompt: fillings of one template get near-equal values.

docs/fingerprints.md, section 5.
"""

from __future__ import annotations

import hashlib
import re

import numpy as np

from hydrawatch.fingerprints.masking import mask

_WORD = re.compile(r"\w+|[^\w\s]")


class TemplateHasher:
    """Fingerprints of prompts' templates under one 32-byte key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def fingerprint(self, text: str) -> str | None:
        """Give 16 hex digits; None for a text without a word."""
        words = _WORD.findall(mask(text[:8192]).lower())
        shingles = (
            {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))} if words else set()
        )
        if not shingles:
            return None
        raw = b"".join(
            hashlib.blake2b(
                s.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key
            ).digest()
            for s in sorted(shingles)
        )
        bits = np.unpackbits(np.frombuffer(raw, dtype=np.uint8)).reshape(-1, 64)
        return np.packbits(2 * bits.sum(axis=0) > len(bits)).tobytes().hex()
