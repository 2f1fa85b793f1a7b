"""A record that could not be read, as it goes aside: unchanged, with the reason in its headers.

One that the topic does not take even compressed goes aside as its head, with the length and the
SHA-256 of the whole: enough to find it where it came from (its offset is in the headers).

The headers have the meanings of Kafka Connect's `__connect.errors.*`. The original's own headers
are not carried: the bulk path reads values and keys only, and copying headers for every good
record would cost more than they are worth here.
"""

from __future__ import annotations

import hashlib
from typing import Literal, NamedTuple

Stage = Literal["receiving", "processing", "sending"]
HEADER = "hydrawatch.error."
# A message says what is wrong in a sentence; it never quotes the record.
MESSAGE_BYTES = 500
HEAD_BYTES = 16 * 1024  # of a key or value that is cut


class DeadLetter(NamedTuple):
    """Key and value as they came (None stays None), and headers that say where from and why."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


def dead_letter(
    key: bytes | None,
    value: bytes | None,
    *,
    topic: str,
    partition: int,
    offset: int,
    stage: Stage,
    error: str,
    message: str,
) -> DeadLetter:
    """The dead letter of one record; all headers are UTF-8 text.

    `error` is one of a bounded set of classes (it also labels the metric); `message` is cut to
    `MESSAGE_BYTES`.
    """
    values = {
        "topic": topic,
        "partition": str(partition),
        "offset": str(offset),
        "stage": stage,
        "class": error,
        "message": message,
    }
    headers = [(HEADER + name, _utf8(text)) for name, text in values.items()]
    return DeadLetter(key, value, headers)


def cut(letter: DeadLetter) -> DeadLetter:
    """The letter with what is longer than `HEAD_BYTES` cut to that, and headers that say so."""
    headers = list(letter.headers)
    parts = {"key": letter.key, "value": letter.value}
    for name, whole in parts.items():
        if whole is not None and len(whole) > HEAD_BYTES:
            parts[name] = whole[:HEAD_BYTES]
            headers.append((f"{HEADER}{name}_bytes", b"%d" % len(whole)))
            digest = hashlib.sha256(whole).hexdigest()
            headers.append((f"{HEADER}{name}_sha256", digest.encode()))
    return DeadLetter(parts["key"], parts["value"], headers)


def _utf8(text: str) -> bytes:
    # "replace" for lone surrogates, "ignore" for a character cut in two at the limit.
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MESSAGE_BYTES:
        return encoded
    return encoded[:MESSAGE_BYTES].decode("utf-8", "ignore").encode()
