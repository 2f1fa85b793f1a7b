"""Fingerprints are SipHash-1-3, and partitions are Kafka's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as kafka_murmur2

from detectors.errors import ConfigError
from detectors.kernels.partitioner import murmur2, partition_of, partitions_at
from detectors.kernels.siphash import epoch_half, fingerprint, fingerprint_at, hash_key

KEY = bytes(range(16))
MASK = 2**64 - 1
law = settings(deadline=None)  # the first example pays for compiling


def siphash(data: bytes, key: bytes, compressions: int, finals: int) -> int:
    """SipHash-c-d written down from the paper, with nothing in common with the kernel."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D]
    v += [k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(i: int, by: int) -> None:
        v[i] = (v[i] << by | v[i] >> (64 - by)) & MASK

    def add(i: int, j: int) -> None:
        v[i] = (v[i] + v[j]) & MASK

    def rounds(count: int) -> None:
        for _ in range(count):
            add(0, 1)
            add(2, 3)
            rotate(1, 13)
            rotate(3, 16)
            v[1] ^= v[0]
            v[3] ^= v[2]
            rotate(0, 32)
            add(2, 1)
            add(0, 3)
            rotate(1, 17)
            rotate(3, 21)
            v[1] ^= v[2]
            v[3] ^= v[0]
            rotate(2, 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for i in range(0, len(padded), 8):
        word = int.from_bytes(padded[i : i + 8], "little")
        v[3] ^= word
        rounds(compressions)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(finals)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@pytest.mark.parametrize(
    ("length", "digest"),
    [
        (0, "310e0edd47db6f72"),
        (1, "fd67dc93c539f874"),
        (2, "5a4fa9d909806c0d"),
        (3, "2d7efbd796666785"),
        (15, "e545be4961ca29a1"),
    ],
)
def test_the_written_down_siphash_gives_the_published_vectors_of_2_4(
    length: int, digest: str
) -> None:
    assert siphash(KEY[:length], KEY, 2, 4).to_bytes(8, "little").hex() == digest


@law
@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16))
def test_the_kernel_is_siphash_1_3_for_any_data_and_key(data: bytes, key: bytes) -> None:
    assert fingerprint(data, key) == siphash(data, key, 1, 3)


def test_the_kernel_agrees_with_the_siphash_1_3_inside_cpython() -> None:
    if sys.hash_info.algorithm != "siphash13":
        pytest.skip("this interpreter hashes with another function")
    code = "print(*(hash(bytes(range(n))) for n in range(1, 40)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONHASHSEED": "0"}, capture_output=True, check=True
    )
    theirs = [int(word) & MASK for word in done.stdout.split()]
    assert theirs == [fingerprint(bytes(range(n)), bytes(16)) for n in range(1, 40)]


@law
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=40))
def test_a_slice_has_the_fingerprint_of_its_bytes_wherever_it_lies(
    before: bytes, data: bytes, behind: bytes
) -> None:
    k0, k1 = hash_key(KEY)
    buffer = np.frombuffer(before + data + behind, np.uint8)
    assert fingerprint_at(buffer, len(before), len(data), k0, k1) == fingerprint(data, KEY)


def in_epoch(data: bytes, epoch: int) -> int:
    """Fingerprint under `KEY` of a value of its id_epoch, -1 where that is not known."""
    k0, k1 = hash_key(KEY)
    buffer = np.frombuffer(data, np.uint8)
    return int(fingerprint_at(buffer, 0, len(data), np.uint64(epoch_half(k0, epoch)), k1))


def test_a_value_of_another_epoch_is_another_value_and_no_epoch_is_an_epoch_of_its_own() -> None:
    found = {in_epoch(b"k1:9c31", epoch) for epoch in (-1, 0, 1, 2**63 - 1)}
    assert len(found | {fingerprint(b"k1:9c31", KEY)}) == 5


def test_a_hash_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ConfigError, match="16"):
        fingerprint(b"a", bytes(15))


@law
@given(st.binary(max_size=80))
def test_murmur2_is_the_one_of_kafka_python(key: bytes) -> None:
    assert murmur2(key) == kafka_murmur2(key) & 0xFFFFFFFF


@law
@given(st.lists(st.binary(max_size=30), min_size=1), st.integers(1, 1000))
def test_every_slice_goes_to_the_partition_of_kafkas_default_partitioner(
    keys: list[bytes], partitions: int
) -> None:
    lengths = np.array([len(key) for key in keys])
    starts = np.cumsum(lengths) - lengths
    found = partitions_at(np.frombuffer(b"".join(keys), np.uint8), starts, lengths, partitions)
    assert found.tolist() == [(kafka_murmur2(key) & 0x7FFFFFFF) % partitions for key in keys]
    assert found.tolist() == [partition_of(key, partitions) for key in keys]
