"""The kinds of value that accounts share: what each is, which family of evidence it feeds, how hard it links.

A kind's place in `KINDS` is its code in columns and on the wire between stages, so the order is part of
the state format: append, never reorder.
"""

from __future__ import annotations

from dataclasses import dataclass

from detectors.interface.family import Family


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of key network: its event field, its family, and whether it links hard (payment, device)."""

    code: int
    field: str
    family: Family
    hard: bool
    noun: str  # what a person calls it, in explanations


KINDS: tuple[Kind, ...] = (
    Kind(0, "payment_fp", "identity", hard=True, noun="payment instrument"),
    Kind(1, "device_fp", "identity", hard=True, noun="device"),
    Kind(2, "ip_prefix_fp", "infrastructure", hard=False, noun="network prefix"),
    Kind(3, "asn", "infrastructure", hard=False, noun="autonomous system of one address class"),
    Kind(4, "tls_fp", "infrastructure", hard=False, noun="TLS fingerprint of one client"),
    Kind(5, "org_id", "identity", hard=False, noun="organisation"),
    Kind(6, "referral_fp", "identity", hard=False, noun="referral"),
    Kind(7, "system_fp", "content", hard=False, noun="system prompt"),
    Kind(8, "cohort", "lifecycle", hard=False, noun="sign-up cohort (hour, path and AS)"),
    Kind(9, "template", "content", hard=False, noun="prompt template"),
)
# Which of them nobody can write into another's requests from outside: a card, a device.
HARD_KINDS = tuple(kind.code for kind in KINDS if kind.hard)
# So many times `member_cap` are named of a hard value, and of any that was called odd.
CROWD_ROOM = 8
PAYMENT, DEVICE, PREFIX, ASN, TLS, ORG, REFERRAL, SYSTEM, COHORT, TEMPLATE = range(len(KINDS))

# Kinds that an account holds one value of at a time; a template changes with every request.
ACCOUNT_KINDS = len(KINDS) - 1


def unnamed(kind: int, key: int) -> str:
    """What a value is called whose name is not known: its kind, and our own fingerprint of it."""
    return f"{KINDS[kind].field}:{key:016x}"
