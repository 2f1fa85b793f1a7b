"""Every keyed fingerprint of a request, under one secret and one epoch."""

from __future__ import annotations

from hydrawatch.fingerprints.addresses import ip_prefix
from hydrawatch.fingerprints.digests import (
    GREATEST_EPOCH,
    LEAST_SECRET,
    derive,
    key_name,
    keyed_digest,
)
from hydrawatch.fingerprints.sketch import Sketcher
from hydrawatch.fingerprints.template import TemplateHasher


class Keys:
    """Makes digests and fingerprints; whoever has another secret or epoch makes others.

    `secret` is 16 bytes or more, `epoch` (0 to 2^31 - 1) goes into `id_epoch` of an event and into
    every digest. Neither can be read from a fingerprint. ValueError for a secret that is too short
    and an epoch out of range. Safe to share between threads.
    """

    __slots__ = ("_kinds", "_prefix", "_secret", "_sketcher", "_templates", "epoch")

    def __init__(self, secret: bytes, epoch: int) -> None:
        if len(secret) < LEAST_SECRET:
            raise ValueError(f"the secret has {len(secret)} bytes; it needs {LEAST_SECRET} or more")
        if not 0 <= epoch <= GREATEST_EPOCH:
            raise ValueError(f"epoch {epoch} is not within 0 to {GREATEST_EPOCH}")
        self.epoch = epoch
        self._secret = secret
        self._prefix = f"k{epoch}:{key_name(secret, epoch)}"
        self._kinds: dict[str, bytes] = {}
        self._templates = TemplateHasher(derive(secret, epoch, "template"))
        self._sketcher = Sketcher(derive(secret, epoch, "sketch"))

    def __repr__(self) -> str:
        return f"Keys(epoch={self.epoch})"

    def digest(self, kind: str, value: str) -> str:
        """Digest a value as `k<epoch>:<36 hex digits>`, at most 64 characters.

        `kind` keeps domains apart ("account", "api_key", ...): the same text as account and as
        session has two digests. Kinds are the code's, never a record's: their number is small.
        """
        key = self._kinds.get(kind)
        if key is None:
            key = self._kinds[kind] = derive(self._secret, self.epoch, f"digest/{kind}")
        return keyed_digest(key, self._prefix, value)

    def address(self, address: str) -> str | None:
        """Digest an address's network (IPv4 /24, IPv6 /48); None if it is no address."""
        prefix = ip_prefix(address)
        return None if prefix is None else self.digest("ip_prefix", prefix)

    def system_fp(self, text: str) -> str:
        """Digest the exact system prompt."""
        return self.digest("system", text)

    def prompt_fp(self, text: str) -> str:
        """Digest the exact prompt."""
        return self.digest("prompt", text)

    def reasoning_fp(self, block: str) -> str:
        """Digest an encrypted block of reasoning that a request hands back."""
        return self.digest("reasoning", block)

    def template_fp(self, text: str) -> str | None:
        """Give the 64-bit SimHash of a prompt's masked skeleton, 16 hex digits; None without a word."""
        return self._templates.fingerprint(text)

    def prompt_sketch(self, text: str) -> str | None:
        """Give base64 of int8[32], a random projection of a prompt's shingles; None without a word."""
        return self._sketcher.sketch(text)
