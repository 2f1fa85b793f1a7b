"""Which partition Kafka's default partitioner sends a record key to.

murmur2 with Kafka's seed, made positive, modulo the number of partitions: what the Java client,
librdkafka's `murmur2_random` and kafka-python do. Replay uses it on a file's rows, so that an
account lands where the worker would find it.

Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from detectors.interface.columns import Row

_SEED = np.uint32(0x9747B28C)
_M = np.uint32(0x5BD1E995)
_POSITIVE = np.uint32(0x7FFFFFFF)
_13, _15, _24 = np.uint32(13), np.uint32(15), np.uint32(24)


@njit(cache=True)
def murmur2_at(buffer: np.ndarray, start: int, length: int) -> np.uint32:
    """Kafka's murmur2 of `buffer[start:start + length]` (uint8), as an unsigned 32-bit number."""
    h = np.uint32(_SEED ^ np.uint32(length))
    tail = start + (length & ~3)
    for at in range(start, tail, 4):
        k = np.uint32(buffer[at])
        for i in range(1, 4):
            k |= np.uint32(buffer[at + i]) << np.uint32(8 * i)
        k = np.uint32(k * _M)
        k = np.uint32((k ^ (k >> _24)) * _M)
        h = np.uint32(np.uint32(h * _M) ^ k)
    rest = length & 3
    if rest:
        for i in range(rest):
            h ^= np.uint32(np.uint32(buffer[tail + i]) << np.uint32(8 * i))
        h = np.uint32(h * _M)
    h = np.uint32((h ^ (h >> _13)) * _M)
    return np.uint32(h ^ (h >> _15))


@njit(cache=True)
def home_of(event: Row, buffer: np.ndarray, partitions: int) -> np.int64:
    """The partition of so many in which an event's account belongs; `buffer` (uint8) has its id."""
    h = murmur2_at(buffer, np.int64(event.account_at), np.int64(event.account_len))
    return np.int64(h & _POSITIVE) % np.int64(partitions)


@njit(cache=True)
def partitions_at(
    buffer: np.ndarray, starts: np.ndarray, lengths: np.ndarray, partitions: int
) -> np.ndarray:
    """Partition (int64, n) of every key slice of `buffer` (uint8), for `partitions` of them.

    Starts and lengths are integers (n).
    """
    out = np.empty(starts.size, np.int64)
    for i in range(starts.size):
        h = murmur2_at(buffer, np.int64(starts[i]), np.int64(lengths[i]))
        out[i] = np.int64(h & _POSITIVE) % partitions
    return out


def murmur2(key: bytes) -> int:
    """Kafka's murmur2 of one key, unsigned."""
    return int(murmur2_at(np.frombuffer(key, np.uint8), 0, len(key)))


def partition_of(key: bytes, partitions: int) -> int:
    """Partition of one record key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
