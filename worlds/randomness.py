"""Where a world's chance comes from: one named stream per part, all from one seed.

A named stream lets a part draw more or less without moving any other part of the same world.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FINGERPRINT_BITS = 48  # twelve hex digits, as the fingerprints are written


def stream(seed: int, name: str) -> np.random.Generator:
    """Give the random stream of one named part of the world of `seed`."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def mix64(values: Words) -> Words:
    """Scatter 64-bit words one to one (the finaliser of SplitMix64): unequal in, unequal out."""
    x = values + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def numbered(seed: int, name: str, count: int) -> Words:
    """Give `count` distinct words that look random; the same for the same seed and name."""
    base = stream(seed, name).integers(1, 2**63, dtype=np.uint64)
    return mix64(base + np.arange(count, dtype=np.uint64))


def fingerprints(rng: np.random.Generator, count: int) -> Words:
    """Draw values for fingerprint fields, never 0: that says 'not known'."""
    return rng.integers(1, 2**FINGERPRINT_BITS, count, dtype=np.uint64)


def skeletons(rng: np.random.Generator, count: int) -> Words:
    """Draw 64-bit SimHashes of unrelated prompt templates, never 0."""
    return rng.integers(1, 2**64, count, dtype=np.uint64)


def choose(rng: np.random.Generator, weights: npt.ArrayLike, count: int) -> Ints:
    """Draw `count` indices in proportion to `weights`."""
    share = np.asarray(weights, dtype=np.float64)
    return rng.choice(len(share), count, p=share / share.sum()).astype(np.int64)


def zipf_weights(count: int, exponent: float = 1.1) -> Floats:
    """Weights of a popularity ranking: few that many use, many that few use."""
    weights: Floats = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    return weights


def shared_among(rng: np.random.Generator, members: int, low: int, high: int) -> Ints:
    """Divide `members` at random into groups of `low` to `high`; give each one's group number."""
    groups = max(1, round(2 * members / (low + high)))
    if members < low:
        return np.zeros(members, dtype=np.int64)
    groups = min(max(groups, -(-members // high)), members // low)
    room = np.full(groups, high - low)
    spare = min(members - groups * low, int(room.sum()))
    sizes = low + rng.multivariate_hypergeometric(room, spare)
    sizes[0] += members - sizes.sum()  # only when no exact division exists
    return rng.permutation(np.repeat(np.arange(groups, dtype=np.int64), sizes))
