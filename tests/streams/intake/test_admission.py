"""Who may send, how much at once, and how long a body may be."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.admission import (
    CLIENTS_MOST,
    MEMBERS_MOST,
    DamagedError,
    InHand,
    Rates,
    RefusalError,
    Tokens,
    bearer,
    network_of,
    unpacked,
)

OLD, NEW = b"token of the last quarter", b"token of this quarter"


def test_each_of_several_tokens_lets_in_and_no_other_text_does() -> None:
    tokens = Tokens((OLD, NEW))
    assert tokens.place(OLD) == 0
    assert tokens.place(NEW) == 1
    for wrong in (b"", OLD[:-1], NEW + b" ", OLD + NEW):
        assert tokens.place(wrong) is None


def test_no_tokens_at_all_are_told_from_tokens_that_nobody_has() -> None:
    assert not Tokens(())
    assert Tokens((OLD,))


@pytest.mark.parametrize(
    ("authorization", "api_key", "token"),
    [
        ("Bearer abc", "", b"abc"),
        ("bearer  abc ", "", b"abc"),
        ("", "abc", b"abc"),
        ("Basic abc", "", b""),
        ("Basic abc", "def", b"def"),
        ("", "", b""),
    ],
)
def test_a_token_comes_as_a_bearer_or_in_a_header_of_its_own(
    authorization: str, api_key: str, token: bytes
) -> None:
    assert bearer(authorization, api_key) == token


def test_a_host_of_ipv6_is_one_client_whatever_address_of_its_network_it_takes() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1") == "192.0.2.1"
    assert network_of("192.0.2.1") != network_of("192.0.2.2")


def test_a_client_may_send_twice_its_rate_at_once_and_then_waits_as_long_as_it_is_told() -> None:
    now = [100.0]
    rates = Rates(5.0, clock=lambda: now[0])
    for _ in range(10):
        rates.take("a")
    with pytest.raises(RefusalError) as refused:
        rates.take("a")
    assert refused.value.status == 429
    rates.take("b")  # who is not to blame
    now[0] += refused.value.retry_after_s
    rates.take("a")


def test_clients_that_nobody_has_heard_of_fill_no_memory() -> None:
    rates = Rates(5.0, clock=lambda: 0.0)
    for number in range(CLIENTS_MOST + 500):
        rates.take(str(number))
    assert len(rates) == CLIENTS_MOST


def test_what_is_in_hand_is_bounded_and_given_back() -> None:
    flying = [0]
    in_hand = InHand(100, lambda: flying[0])
    with in_hand.holding() as first:
        first.grow(60)
        with in_hand.holding() as second, pytest.raises(RefusalError) as refused:
            second.grow(41)
        assert refused.value.status == 429
        assert refused.value.retry_after_s
        with in_hand.holding() as third:
            third.grow(40)
    assert in_hand.held == 0
    flying[0] = 100
    with in_hand.holding() as fourth, pytest.raises(RefusalError):
        fourth.grow(1)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_what_was_packed_in_several_members_comes_out_as_it_was(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    assert unpacked(b"".join(map(gzip.compress, parts)), "gzip", 10_000) == whole
    assert unpacked(zlib.compress(whole), "deflate", 10_000) == whole
    assert unpacked(whole, "", 10) == whole


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(bytes(20_000_000))
    with pytest.raises(RefusalError) as refused:
        unpacked(bomb, "gzip", 1_000_000)
    assert refused.value.status == 413
    with pytest.raises(RefusalError) as refused:
        unpacked(gzip.compress(b"") * (MEMBERS_MOST + 1), "gzip", 1_000_000)
    assert refused.value.status == 413


def test_another_packing_is_not_taken_and_a_damaged_one_is_said_to_be() -> None:
    with pytest.raises(RefusalError) as refused:
        unpacked(b"x", "br", 10)
    assert refused.value.status == 415
    packed = gzip.compress(b"a body")
    for damaged in (packed[:-3], b"\x1f\x8bnonsense", packed[:8] + b"\xff" * 4 + packed[12:]):
        with pytest.raises(DamagedError):
            unpacked(damaged, "gzip", 1000)
