"""Whose state it is: a stage's place in the state topic, and what must be equal for it to be read again."""

from __future__ import annotations

import hashlib

from detectors.config import Loaded, plain_section
from streams.settings.settings import Settings


def place(stage: str, partition: int, partitions: int) -> int:
    """A stage's partition of the state topic: accounts first, then keys, then the owner."""
    return {"accounts": 0, "keys": partitions, "owner": 2 * partitions}[stage] + partition


def stage_at(place: int, count: int) -> tuple[str, int]:
    """Stage and its partition, by the place among the `count` partitions of the state topic."""
    partitions = count // 2
    if place == 2 * partitions:
        return "owner", 0
    return ("accounts", place) if place < partitions else ("keys", place - partitions)


def origin(settings: Settings, loaded: Loaded) -> dict[str, str]:
    """What must be equal for kept bytes to mean the same: sizes of tables, keys of fingerprints."""
    config = loaded.config
    return {
        "HYDRAWATCH_HASH_KEY": _token(settings.hash_key_bytes()),
        "HYDRAWATCH_REQUESTS_TOPIC": settings.requests_topic,
        "engine.partitions": str(config.engine.partitions),
        "engine.allowed_lateness_minutes": str(config.engine.allowed_lateness_minutes),
        **{f"budgets.{name}": str(value) for name, value in plain_section(config.budgets).items()},
    }


def _token(key: bytes) -> str:
    """Tells keys apart. Slow by design (RFC 7914): who reads the topic shall not guess a weak key."""
    return hashlib.scrypt(key, salt=b"hydrawatch state", n=1 << 14, r=8, p=1, dklen=6).hex()
