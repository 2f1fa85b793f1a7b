"""Who may send, how much at once, and how long a body may be.

Whatever a client chooses is bounded here: the number of clients remembered, the bytes of a body packed
and unpacked, and the bytes of all bodies in hand.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import time
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

CLIENTS_MOST = 10_000
BURST_S = 2.0
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
MEMBERS_MOST = 64  # of a gzip body: each costs a copy of what is left


class RefusalError(Exception):
    """A request that is not taken: its status, what to say, and after how many seconds to come again."""

    def __init__(self, status: int, message: str, retry_after_s: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after_s = retry_after_s


class DamagedError(Exception):
    """A body that cannot be unpacked; no retry mends it."""


class Tokens:
    """The tokens that clients may show. With none, everybody may send."""

    def __init__(self, tokens: tuple[bytes, ...]) -> None:
        self._digests = [hashlib.sha256(token).digest() for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def place(self, shown: bytes) -> int | None:
        """Which token it is; None for none. Takes as long whatever was shown."""
        digest = hashlib.sha256(shown).digest()
        found = None
        for place, known in enumerate(self._digests):
            if hmac.compare_digest(digest, known):
                found = place
        return found


def bearer(authorization: str, api_key: str) -> bytes:
    """The token that a request shows in its headers; empty where there is none. Headers are Latin-1 text."""
    kind, _, token = authorization.strip().partition(" ")
    if kind.lower() == "bearer":
        return token.strip().encode("latin-1", "replace")
    return api_key.strip().encode("latin-1", "replace")


def network_of(address: str) -> str:
    """Whom an address counts as: an IPv6 host has as many of them as it likes within a /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Rates:
    """So many requests a second of each client, and twice that at once.

    Who was heard of longest ago is forgotten first, and then counts as new.
    """

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._most = max(1.0, per_s * BURST_S)
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, client: str) -> None:
        """Count a request of a client. Raises RefusalError where it has sent too many."""
        now = self._clock()
        left, then = self._buckets.pop(client, (self._most, now))
        left = min(self._most, left + (now - then) * self._per_s)
        if left < 1:
            self._buckets[client] = left, now
            wait = (1 - left) / self._per_s
            raise RefusalError(429, "too many requests", max(1, round(wait + 0.5)))
        self._buckets[client] = left - 1, now
        while len(self._buckets) > CLIENTS_MOST:
            self._buckets.popitem(last=False)


@dataclass(slots=True)
class InHand:
    """Bytes that requests hold at the moment. `other` tells what else counts: records in flight."""

    most: int
    other: Callable[[], int]
    held: int = field(default=0, init=False)

    @contextmanager
    def holding(self) -> Iterator[Hold]:
        """What one request holds, until it is answered."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            self.held -= hold.size


@dataclass(slots=True)
class Hold:
    """One request's share of what is in hand."""

    total: InHand
    size: int = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes more. Raises RefusalError where there is no room: 429, come again."""
        if self.total.held + self.total.other() + size > self.total.most:
            raise RefusalError(429, "the intake is busy", 1)
        self.total.held += size
        self.size += size


def unpacked(body: bytes, encoding: str, most: int) -> bytes:
    """A body as it was before it was packed, of `most` bytes at most.

    Raises RefusalError where it is longer (413) or packed in a way that is not read (415), DamagedError
    where it cannot be unpacked.
    """
    how = encoding.strip().lower()
    if how in ("", "identity"):
        return body
    if how not in ("gzip", "x-gzip", "deflate"):
        raise RefusalError(415, "Content-Encoding must be gzip, deflate or identity")
    parts: list[bytes] = []
    size, rest = 0, body
    try:
        while rest:  # gzip may have several members
            if len(parts) == MEMBERS_MOST:
                raise RefusalError(413, f"the body has more than {MEMBERS_MOST} gzip members")
            unpacker = zlib.decompressobj(GZIP_OR_ZLIB)
            parts.append(unpacker.decompress(rest, most + 1 - size))
            size += len(parts[-1])
            if size > most:
                raise RefusalError(413, f"the body unpacks to more than {most} bytes")
            if not unpacker.eof:
                raise DamagedError("its compression is cut short")
            rest = unpacker.unused_data
    except zlib.error:
        raise DamagedError("its compression is damaged") from None
    return b"".join(parts)
