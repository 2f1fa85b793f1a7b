"""The least that an event says, and decoding it by the kernel or by the slow way round."""

from __future__ import annotations

import json
from typing import Any

from detectors.decode.decoder import Decoded, Decoder

KEY = bytes(range(16))
MINIMAL = {
    "event_id": "e-1",
    "event_time": 1777026031000,
    "account_id": "a-71f2",
    "model": "large-5",
    "input_tokens": 812,
    "output_tokens": 2950,
}
# A line feed before a record is white space to JSON, and enough for the kernel to leave it alone.
WAYS = {"fast": b"", "slow": b"\n"}


def decode(*events: dict[str, Any], before: bytes = b"") -> Decoded:
    """Decode events, with one of the WAYS before each."""
    values = [before + json.dumps(event, separators=(",", ":")).encode() for event in events]
    return Decoder(KEY).decode(values)
