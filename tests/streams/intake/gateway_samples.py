"""Made-up records of each gateway, and what has to become of them, as `samples/*.json` have it.

Within an event that is expected, `kind(value)` stands for the digest of a value: `account(u-17)`.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hydrawatch.fingerprints import Keys

KEYS = Keys(b"a secret of the samples", 1)
RECEIVED_MS = 1_777_026_032_000
FORMATS = (
    *("litellm", "litellm_http", "litellm_spend", "envoy", "kong", "apisix"),
    *("helicone_webhook", "langfuse", "portkey", "nginx"),
)
_FOLDER = Path(__file__).parent / "samples"
_DIGEST = re.compile(r"(account|org|api_key|session|client|ip_prefix|prompt|system)\((.+)\)")
_TEMPLATE = re.compile(r"template\((.+)\)")


class Sample(NamedTuple):
    """A record, and the event, or the reason, that it has to become."""

    format: str
    what: str
    record: dict[str, Any]
    becomes: dict[str, Any]


@cache
def samples(format: str | None = None) -> list[Sample]:  # noqa: A002
    """All of them, or those of one format."""
    return [
        Sample(name, one["what"], one["record"], _digested(one["becomes"]))
        for name in FORMATS
        if format in (None, name)
        for one in json.loads((_FOLDER / f"{name}.json").read_text())
    ]


def events(format: str | None = None) -> list[Sample]:  # noqa: A002
    """Those that have to become events."""
    return [sample for sample in samples(format) if "event" in sample.becomes]


def named(sample: Sample) -> str:
    """What pytest calls it."""
    return f"{sample.format}: {sample.what}"


def _digested(becomes: dict[str, Any]) -> dict[str, Any]:
    event = becomes.get("event")
    if event is None:
        return becomes
    return {**becomes, "event": {name: _meant(value) for name, value in event.items()}}


def _meant(value: Any) -> Any:
    if isinstance(value, str):
        if found := _DIGEST.fullmatch(value):
            return KEYS.digest(*found.groups())
        if found := _TEMPLATE.fullmatch(value):
            return KEYS.template_fp(found[1])
    return value
