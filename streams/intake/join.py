"""What is known of an account and an address beside the record; what the event itself carries wins."""

from __future__ import annotations

from typing import Any

from detectors.contract.request_event import EARLIEST_MS
from streams.intake.directory import Directory
from streams.intake.geo import Geo


def join(
    event: dict[str, Any], directory: Directory | None, geo: Geo | None, address: str | None
) -> bool:
    """Add it to an event. Gives whether the directory knows the account: True where there is none."""
    if geo is not None and address is not None:
        for name, value in geo.lookup(address).items():
            event.setdefault(name, value)
    if directory is None:
        return True
    about = directory.get(event["account_id"])
    if about is None:
        return False
    for name, value in about.items():
        # Nobody asks before the account was made: then one of both dates is wrong.
        if name != "account_created_at" or EARLIEST_MS <= value <= event["event_time"]:
            event.setdefault(name, value)
    return True
