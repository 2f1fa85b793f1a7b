"""Fingerprints into hashes: one value spread over all its bits, and two as one."""

from __future__ import annotations

import numpy as np

from detectors.kernels.compiled import inlined


@inlined
def mix(value: np.uint64) -> np.uint64:
    """Spread a value over all 64 bits (the finaliser of MurmurHash3)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    return value ^ (value >> np.uint64(33))


@inlined
def combine(first: np.uint64, second: np.uint64) -> np.uint64:
    """One fingerprint for an ordered pair; never 0, which means "not known"."""
    value = mix(np.uint64(first) ^ (mix(np.uint64(second)) + np.uint64(0x9E3779B97F4A7C15)))
    return value if value != np.uint64(0) else np.uint64(1)
