"""Alert records as a file has them, a JSON object a line, reduced to what a scorer reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec


class _Record(msgspec.Struct):
    alert_id: str
    kind: Literal["account", "network"]
    state: Literal["open", "updated", "escalated", "resolved", "retracted"]
    action: Literal["observe", "throttle", "verify", "restrict", "suspend"]
    as_of: int
    revision: int = 1
    severity: str = ""
    account_id: str | None = None
    campaign_id: str | None = None
    merged_into: str | None = None


def alert_records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Give the records (alert contract, version 1). Raises ValueError, with its number, at any other."""
    decode = msgspec.json.Decoder(_Record).decode
    for number, line in enumerate(lines, 1):
        try:
            record = decode(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"record {number} is no alert: {error}") from error
        subject = "account_id" if record.kind == "account" else "campaign_id"
        if getattr(record, subject) is None:
            raise ValueError(f"record {number} is of kind {record.kind} and has no '{subject}'")
        yield msgspec.structs.asdict(record)
