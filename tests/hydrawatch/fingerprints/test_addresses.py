"""Networks of addresses as gateways log them, and the client's place in a forwarding list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hydrawatch.fingerprints import Keys, client_address, ip_prefix


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        (" 192.0.2.77\n", "192.0.2.0/24"),
        ("192.0.2.77:8080", "192.0.2.0/24"),
        ('"[2001:db8:1:2::7]:443"', "2001:db8:1::/48"),
        ("[2001:db8:1:2::7]", "2001:db8:1::/48"),
        ("2001:DB8:1:2::7", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("[::ffff:c000:24d]:80", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("[fe80::1%25eth0]:80", "fe80::/48"),
    ],
)
def test_a_port_brackets_a_zone_and_white_space_do_not_change_the_network(
    address: str, prefix: str
) -> None:
    assert ip_prefix(address) == prefix


NO_ADDRESSES = (
    *("", "-", "unknown", "192.0.2", "192.0.2.256", "192.0.2.1, 192.0.2.2", "1.2.3.4:5:6"),
    *(
        "0.0.0.0",
        "::",
        "[",
        "[]:80",
        ":",
        "%",
        "1.2.3.4\x00",
        "\ud800",
        "1" * 5000,
        "192.000.002.001",
    ),
)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_address_has_no_network(address: str) -> None:
    assert ip_prefix(address) is None
    assert Keys(b"0123456789abcdef", 1).address(address) is None


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_two_addresses_have_one_network_if_their_first_24_bits_are_one(
    a: object, b: object
) -> None:
    same = str(a).split(".")[:3] == str(b).split(".")[:3]
    both = ip_prefix(str(a)), ip_prefix(f"::ffff:{b}")
    if None not in both:
        assert (both[0] == both[1]) == same


def test_the_clients_address_is_what_the_outermost_proxy_of_ones_own_saw() -> None:
    forwarded = "10.9.9.9, 198.51.100.4 ,192.0.2.7:80"
    assert client_address(forwarded, 1) == "192.0.2.7:80"
    assert client_address(forwarded, 2) == "198.51.100.4"


def test_a_list_that_is_shorter_than_the_hops_or_not_trusted_gives_no_address() -> None:
    assert client_address("192.0.2.7", 2) is None
    assert client_address("192.0.2.7", 0) is None
    assert client_address("", 1) is None
    assert client_address("unknown", 1) is None


def test_a_long_invented_list_moves_nothing() -> None:
    assert client_address("203.0.113.9, " * 100_000 + "192.0.2.7", 1) == "192.0.2.7"
    assert client_address("x" * 100_000, 1) is None
