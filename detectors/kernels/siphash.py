"""Identifiers as 64-bit numbers that cannot be computed, or collided, without the key.

SipHash-1-3 (one compression, three finalisation rounds), keyed with the 16-byte hash key. An
attacker chooses many identifiers; without the key no one can choose two that fall together.
0 means "not known" in every column, so a hash that happens to be 0 becomes 1.

Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; the 1-3 variant is the one
CPython and Rust use for their hash tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from detectors.errors import ConfigError
from detectors.kernels.compiled import kernel
from detectors.kernels.words import word_at

KEY_BYTES = 16

_C0, _C1 = np.uint64(0x736F6D6570736575), np.uint64(0x646F72616E646F6D)
_C2, _C3 = np.uint64(0x6C7967656E657261), np.uint64(0x7465646279746573)
_FF = np.uint64(0xFF)
_TOP = np.uint64(56)
_ZERO, _ONE, _ALL = np.uint64(0), np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)


class HashKey(NamedTuple):
    """The 16-byte hash key as the two little-endian halves SipHash works with."""

    k0: np.uint64
    k1: np.uint64


def hash_key(key: bytes) -> HashKey:
    """Split a hash key; ConfigError unless it has 16 bytes."""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"the hash key has {len(key)} bytes, not {KEY_BYTES}: give 32 hex digits")
    k0, k1 = np.frombuffer(key, dtype="<u8")
    return HashKey(np.uint64(k0), np.uint64(k1))


@kernel
def _rotl(x: np.uint64, by: int) -> np.uint64:
    return (x << np.uint64(by)) | (x >> np.uint64(64 - by))


@kernel
def _round(
    v0: np.uint64, v1: np.uint64, v2: np.uint64, v3: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    v0 += v1
    v2 += v3
    v1 = _rotl(v1, 13) ^ v0
    v3 = _rotl(v3, 16) ^ v2
    v0 = _rotl(v0, 32)
    v2 += v1
    v0 += v3
    v1 = _rotl(v1, 17) ^ v2
    v3 = _rotl(v3, 21) ^ v0
    return v0, v1, _rotl(v2, 32), v3


@kernel
def fingerprint_at(
    buffer: np.ndarray, start: int, length: int, k0: np.uint64, k1: np.uint64
) -> np.uint64:
    """SipHash-1-3 of `buffer[start:start + length]` (uint8), with 0 turned into 1."""
    v0, v1, v2, v3 = k0 ^ _C0, k1 ^ _C1, k0 ^ _C2, k1 ^ _C3
    tail = start + (length & ~7)
    for at in range(start, tail, 8):
        word = word_at(buffer, at)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    rest = length & 7
    word = _ZERO
    if tail + 8 <= buffer.size:  # one masked load instead of a loop over the last bytes
        if rest:
            word = word_at(buffer, tail) & (_ALL >> np.uint64(64 - 8 * rest))
    else:
        for i in range(rest):
            word |= np.uint64(buffer[tail + i]) << np.uint64(8 * i)
    word |= (np.uint64(length) & _FF) << _TOP
    v3 ^= word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    v2 ^= _FF
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    value = v0 ^ v1 ^ v2 ^ v3
    return value if value != _ZERO else _ONE


@kernel
def epoch_half(k0: np.uint64, epoch: int) -> np.uint64:
    """First key half for values of one id_epoch (-1, not known, is an epoch of its own).

    Digests of different epochs were made with different keys: equal text is then no equal value,
    so the epoch goes into the key (through the splitmix64 finaliser, a bijection: no two epochs share one).
    """
    x = np.uint64(epoch) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return k0 ^ x ^ (x >> np.uint64(31))


def fingerprint(data: bytes, key: bytes) -> int:
    """Fingerprint of an identifier that is stable over id_epoch: account_id, org_id, model and the like."""
    k0, k1 = hash_key(key)
    return int(fingerprint_at(np.frombuffer(data, np.uint8), 0, len(data), k0, k1))
