"""Why a record cannot be an event: the reasons, and a record set aside with one."""

from __future__ import annotations

import msgspec

NOT_UTF8 = "not_utf8"
NOT_JSON = "not_json"
NOT_OBJECT = "not_object"
MISSING_PROPERTY = "missing_property"
WRONG_TYPE = "wrong_type"
OUT_OF_RANGE = "out_of_range"
WRONG_VERSION = "wrong_version"
TOO_LARGE = "too_large"
TOO_DEEP = "too_deep"
NULL_VALUE = "null_value"
FROM_THE_FUTURE = "from_the_future"
DECODER_FAILED = "decoder_failed"
REASONS = (
    NOT_UTF8,
    NOT_JSON,
    NOT_OBJECT,
    MISSING_PROPERTY,
    WRONG_TYPE,
    OUT_OF_RANGE,
    WRONG_VERSION,
    TOO_LARGE,
    TOO_DEEP,
    NULL_VALUE,
    FROM_THE_FUTURE,
    DECODER_FAILED,
)

MOST_BYTES = 65_536
MOST_NESTING = 32


class Rejected(msgspec.Struct, frozen=True):
    """A record set aside: its index in the batch, one of `REASONS`, and which rule it broke.

    The message names the property and the allowed range, and never quotes what the record held.
    """

    row: int
    reason: str
    message: str


class Refusal(Exception):  # noqa: N818 - a verdict on a record, not an error
    """Why a record cannot be an event; becomes a `Rejected` and goes no further."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


def ahead_of_all(row: int) -> Rejected:
    """An event whose time lies far ahead of what other accounts of its partition say."""
    return Rejected(
        row,
        FROM_THE_FUTURE,
        "event_time lies hours ahead of what other accounts of the partition say, and moves no "
        "watermark: the clock that stamped it is wrong, or nothing was sent for long",
    )


def failed(error: Exception) -> str:
    """The message of a `DECODER_FAILED`: the class alone, since the error's own may quote the record."""
    return f"the decoder raised {type(error).__name__}: a fault of hydrawatch; please report it"
