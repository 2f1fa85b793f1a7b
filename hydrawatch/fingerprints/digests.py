"""What an identifier is called outside the gateway: a keyed digest that names its key and its epoch.

Without the secret nobody can tell whether a digest stands for a given value, and values of two
epochs cannot be compared. docs/fingerprints.md, section 2.
"""

from __future__ import annotations

import hashlib
import hmac

SCHEME = b"hydrawatch-fingerprint-1"
LEAST_SECRET = 16  # bytes; a shorter secret is guessed, and with it everybody's identifiers
GREATEST_EPOCH = 2**31 - 1
_NAME_DIGITS = (
    4  # of the key's name: tells two secrets of one epoch apart, and is no use for guessing
)
_DIGITS = 32  # 128 bits of the digest: two of 2^40 values meet with probability 2^-49


def derive(secret: bytes, epoch: int, purpose: str) -> bytes:
    """Derive the 32-byte key of one purpose from the secret, so that no two purposes share a key."""
    message = SCHEME + b"\x00" + str(epoch).encode() + b"\x00" + purpose.encode()
    return hmac.digest(secret, message, hashlib.sha256)


def key_name(secret: bytes, epoch: int) -> str:
    """Name the key in 4 hex digits: digests that begin otherwise were made with another secret."""
    return derive(secret, epoch, "name").hex()[:_NAME_DIGITS]


def keyed_digest(key: bytes, prefix: str, value: str) -> str:
    """Digest a value under the key of its kind: the prefix (key and epoch) and 32 hex digits."""
    raw = value.encode("utf-8", "surrogatepass")  # JSON may carry half a surrogate pair
    return prefix + hmac.digest(key, raw, hashlib.sha256).hex()[:_DIGITS]
