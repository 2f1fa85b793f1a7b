"""The transformations that need the keys: identifiers to digests, addresses to digests of their network.

What they are given stays in memory as long as a bounded cache holds it, and goes nowhere else.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from hydrawatch.fingerprints import Keys, client_address, client_family, ip_prefix
from streams.intake.gate import event_id, model
from streams.intake.transformations import Transformation, text

MOST_MODEL: Final = 128
MOST_ID: Final = 512  # of a request's id that goes on as it is
CACHED: Final = 16_384  # values of a kind: the same few accounts and clients come again and again
_OPAQUE = re.compile(r"k\d{1,10}:[0-9a-f]{4,52}").fullmatch
# What an own proxy or network uses; ip_prefix would be the same for everybody behind it.
_INNER: Final = tuple(
    map(
        ipaddress.ip_network,
        (
            *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
            *("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"),
        ),
    )
)


def hmac(keys: Keys, kind: str) -> Transformation:
    """A keyed digest of an identifier, of a kind of its own."""
    digest = _digests(keys, kind)

    def made(value: Any) -> str | None:
        said = value if value.__class__ is str else text(value)
        return digest(said) if said else None

    return made


def fingerprint(keys: Keys, kind: str) -> Transformation:
    """A digest that was made where the value is, as it is; anything else is digested."""
    digest = hmac(keys, kind)

    def made(value: Any) -> str | None:
        return value if value.__class__ is str and _OPAQUE(value) else digest(value)

    return made


def model_name(keys: Keys, kind: str) -> Transformation:
    """A model's name as it is; a digest of one that is too long, or may say more than which model it is."""
    digest = hmac(keys, kind)

    def made(value: Any) -> str | None:
        said = text(value)
        return said if said and len(said) <= MOST_MODEL and model(said) else digest(value)

    return made


def request_id(keys: Keys, kind: str) -> Transformation:
    """A request's id as it is; a digest of one that may say more than which request it is."""
    digest = hmac(keys, kind)

    def made(value: Any) -> str | None:
        said = text(value)
        return said if said and len(said) <= MOST_ID and event_id(said) else digest(value)

    return made


def opaque(_: Keys, __: str) -> Transformation:
    """An identifier that says nothing already: as it is."""
    return text


def ua_family(keys: Keys, kind: str) -> Transformation:
    """A keyed digest of the family that a user agent names."""
    digest = _digests(keys, kind)

    @lru_cache(CACHED)
    def of(agent: str) -> str | None:
        family = client_family(agent)
        return None if family is None else digest(family)

    def made(value: Any) -> str | None:
        said = text(value)
        return of(said) if said else None

    return made


def network(keys: Keys, hops: int = 0) -> Transformation:
    """A keyed digest of an address's network; of a forwarding list, of the client's (see `client`)."""

    @lru_cache(CACHED)
    def of(addresses: str) -> str | None:
        address = client(addresses, hops)
        return None if address is None else keys.address(address)

    def made(value: Any) -> str | None:
        said = text(value)
        return of(said) if said else None

    return made


def client(addresses: str, hops: int = 0) -> str | None:
    """The client's address of one, or of an `x-forwarded-for` list; None where there is none.

    Every proxy appends whom it was asked by: what stands further left was sent by the client and may be
    invented. So it is the last that is no private address; with `hops` own proxies, the one before theirs.
    """
    if hops:
        return client_address(addresses, hops)
    last = None
    for entry in reversed(addresses[-1024:].split(",")):
        address = entry.strip()
        prefix = ip_prefix(address)
        if prefix is None:
            continue
        if not _inner(prefix):
            return address
        last = last or address
    return last


@lru_cache(CACHED)
def _inner(prefix: str) -> bool:
    found = ipaddress.ip_network(prefix)
    return any(
        found.version == inner.version and found.network_address in inner for inner in _INNER
    )


def _digests(keys: Keys, kind: str) -> Callable[[str], str]:
    @lru_cache(CACHED)
    def digest(value: str) -> str:
        return keys.digest(kind, value)

    return digest


KEYED: Final[Mapping[str, Callable[[Keys, str], Transformation]]] = MappingProxyType(
    {
        "hmac": hmac,
        "fingerprint": fingerprint,
        "opaque": opaque,
        "request_id": request_id,
        "model_name": model_name,
        "ua_family": ua_family,
        "ip_prefix": lambda keys, _: network(keys),  # addresses have one kind, wherever they stand
    }
)
# The kind of a digest by property: the same value is one digest, whatever gateway it came through.
KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "event_id": "event",
        "model": "model",
        "account_id": "account",
        "org_id": "org",
        "api_key_id": "api_key",
        "session_id": "session",
        "client_fp": "client",
        "ip_prefix_fp": "ip_prefix",
        "system_fp": "system",
        "prompt_fp": "prompt",
        "reasoning_fp": "reasoning",
        "payment_fp": "payment",
        "device_fp": "device",
        "referral_fp": "referral",
        "tls_fp": "tls",
    }
)
