"""What a look at the newest requests says of where producers put them."""

from __future__ import annotations

import re
import zlib

import orjson
import pytest

from detectors.kernels.partitioner import partition_of
from streams.observe.misplacement import ENOUGH, LATELY, Misplacement, notes
from streams.topics.partitioners import likely_client
from streams.topics.sample import Sample

ACCOUNTS = [f"a-{n}" for n in range(400)]


def value(account: str) -> bytes:
    return orjson.dumps({"account_id": account})


def seen(partitions: int, place: object, key: object = str.encode) -> Sample:
    sample = Sample(partitions)
    for account in ACCOUNTS:
        sample.take(place(account), key(account), value(account))  # type: ignore[operator]
    return sample


def test_records_where_java_puts_them_are_no_problem() -> None:
    sample = seen(6, lambda a: partition_of(a.encode(), 6))
    assert (sample.looked_at, sample.elsewhere, sample.without_key, sample.other_key) == (
        400,
        0,
        0,
        0,
    )
    assert sample.problem() is None


def test_records_without_key_that_were_placed_by_hand_are_no_problem() -> None:
    sample = seen(6, lambda a: partition_of(a.encode(), 6), lambda _: None)
    assert (sample.elsewhere, sample.without_key) == (0, 400)
    assert sample.problem() is None


def test_librdkafkas_own_default_is_named_with_its_setting() -> None:
    sample = seen(6, lambda a: zlib.crc32(a.encode()) % 6)
    wrong = sum(zlib.crc32(a.encode()) % 6 != partition_of(a.encode(), 6) for a in ACCOUNTS)
    assert sample.elsewhere == wrong > 300
    assert re.search(
        rf"^{wrong / 400:.1%} of the 400 .*librdkafka's own default \(CRC32\) puts.*"
        "partitioner=murmur2_random",
        sample.problem() or "",
    )


@pytest.mark.parametrize(
    ("key", "digest"),  # test vectors that the authors of FNV-1a published; 32 bits, negative to Go
    [(b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)],
)
@pytest.mark.parametrize("partitions", [6, 7, 64])
def test_saramas_own_default_is_known(key: bytes, digest: int, partitions: int) -> None:
    partition = ((1 << 32) - digest) % partitions  # the remainder, its sign dropped
    assert zlib.crc32(key) % partitions != partition
    assert likely_client(key, partition, partitions) == "sarama"


def test_records_without_key_and_keys_of_another_kind_are_told_apart() -> None:
    turn = iter(range(10_000))
    sample = seen(4, lambda _: next(turn) % 4, lambda _: None)
    assert re.search(r"100\.0% have no key: an account in two", sample.problem() or "")
    sample = seen(
        4, lambda a: partition_of(b"org-" + a.encode(), 4), lambda a: b"org-" + a.encode()
    )
    assert re.search(r"100\.0% have a key other than account_id", sample.problem() or "")


def test_a_few_strays_are_no_problem_and_what_cannot_be_read_says_nothing() -> None:
    sample = seen(6, lambda a: partition_of(a.encode(), 6))
    for n in range(4):
        sample.take((partition_of(b"x", 6) + 1) % 6, b"x", value("x"))
        sample.take(0, None, [None, b"", b"[1]", b'{"account_id": 7}'][n])
    assert (sample.looked_at, sample.elsewhere) == (404, 4)
    assert sample.problem() is None


def test_a_worker_notes_what_is_misplaced_while_it_is_and_for_a_while_after() -> None:
    one, other = Misplacement(), Misplacement()
    one.count(ENOUGH - 1, ENOUGH - 1)
    assert notes([one, other]) == {}
    one.count(1, 0)
    other.count(1_000, 0)
    assert re.match("in 1 of 2 partitions up to 99% of recent", notes([one, other])["placement"])
    for _ in range(20):
        one.count(LATELY, 0)
    assert one.share == 0
    assert notes([one, other]) == {}
