"""Which network an address belongs to, and which address of a forwarding list is the client's.

A network is an IPv4 /24 or an IPv6 /48: what one household, office or rented machine has in common.
docs/fingerprints.md, section 3.
"""

from __future__ import annotations

import socket
from functools import lru_cache

_LONGEST = 64  # of an address with brackets, zone and port: whatever is longer is none
_MAPPED = b"\x00" * 10 + b"\xff\xff"


@lru_cache(maxsize=8192)
def ip_prefix(address: str) -> str | None:
    """Name the /24 or /48 of an address as `192.0.2.0/24` or `2001:db8::/48`; None if it is no address.

    Takes what gateways log: white space and double quotes around it, a port, brackets, a zone
    (`fe80::1%eth0`). An IPv4 address within IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. The
    unspecified address is nobody's, and so None. Not a list: see `client_address`.
    """
    octets = _octets(address)
    if octets is None or not any(octets):
        return None
    if len(octets) == 4:
        return f"{octets[0]}.{octets[1]}.{octets[2]}.0/24"
    return f"{socket.inet_ntop(socket.AF_INET6, octets[:6] + bytes(10))}/48"


def client_address(forwarded: str, trusted_hops: int) -> str | None:
    """Pick the client's address from an `x-forwarded-for` list that `trusted_hops` own proxies wrote to.

    Every proxy appends whom it was asked by, so the last entry is what our outermost proxy saw if
    it is the only one (1 hop), the last but one if there are two. What stands further left was sent
    by the client and may be invented. With 0 hops nothing of the list is believed; a list shorter
    than the hops came another way than ours. Both give None, and the peer's address is all there is.
    """
    if trusted_hops < 1:
        return None
    entries = forwarded[-_LONGEST * (trusted_hops + 1) :].rsplit(",", trusted_hops)
    if len(forwarded) > _LONGEST * (trusted_hops + 1) and len(entries) <= trusted_hops:
        return None  # entries that long are no addresses
    if len(entries) < trusted_hops:
        return None
    chosen = entries[-trusted_hops].strip()
    return chosen if _octets(chosen) is not None else None


def _octets(address: str) -> bytes | None:
    """Give the 4 or 16 octets of an address, None if it is none."""
    if len(address) > _LONGEST:
        return None
    host = address.strip().strip('"').strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:  # a port; IPv6 without brackets has more colons
        host = host.partition(":")[0]
    host = host.partition("%")[0]
    try:
        if ":" not in host:
            return socket.inet_pton(socket.AF_INET, host)
        octets = socket.inet_pton(socket.AF_INET6, host)
    except (OSError, ValueError):  # ValueError: a null character, or a lone surrogate
        return None
    return octets[12:] if octets.startswith(_MAPPED) else octets
