"""The request event, version 1: every property of the contract, and the columns it becomes.

`PROPERTIES` is the one table both ways of decoding read. `EVENT` is one row per accepted event.
A property's limits are the contract's, tightened where a column is narrower and said so beside it.
`CONTENT` are the columns that say what happened, by which a redelivery is told from another event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from detectors.interface.clock import MINUTE_MS

TIERS = ("free", "trial", "paid", "enterprise", "program")
SIGNUPS = ("self", "edu", "startup", "research", "partner", "cloud")
IP_CLASSES = ("residential", "mobile", "hosting", "vpn", "tor", "corp", "edu", "unknown")
ACCESS_PATHS = ("api", "web", "cli", "cloud_a", "cloud_b", "batch")
CAPABILITIES = (
    "coding",
    "agentic",
    "tools",
    "math",
    "reasoning",
    "vision",
    "grading",
    "rewrite",
    "chat",
    "other",
)
NOT_LISTED: Final = 255  # an enumeration's code for "not known"

# What a property's value becomes. Strings of every sort come first: kernels test `kind <= TEMPLATE`.
TEXT, CHOICE, COUNTRY, TEMPLATE, WHOLE, SHORT, REAL, MONEY, FLAG, VERSION = range(10)

INT64_MAX = 2**63 - 1
EARLIEST_MS = 1_262_304_000_000  # 2010: an earlier "time in ms" is in seconds, or none at all
LATEST_MS = (2**31 - 1) * MINUTE_MS  # ticks are 32-bit: the year 6053
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
MICRO = 1_000_000
INFINITE = float("inf")


@dataclass(frozen=True, slots=True)
class Property:
    """One property of the contract: what values it takes and which columns it fills.

    `low` and `high` bound a string's length in characters or a number's value, both inclusive.
    `column` is the value's column, or a string's fingerprint; `position` names `<position>_at` and
    `<position>_len`. `epoch`: the value is a digest of its id_epoch. `nullable`: required, but may be
    null, which is "not known".
    """

    name: str
    kind: int
    low: float = -INFINITE
    high: float = INFINITE
    column: str = ""
    position: str = ""
    required: bool = False
    epoch: bool = False
    choices: tuple[str, ...] = ()
    nullable: bool = False


def _text(
    name: str, high: int, at: str, *, column: str | None = None, required: bool = False
) -> Property:
    # An empty optional string is "not known", so no string is ever shorter than 1.
    column = at if column is None else column
    return Property(name, TEXT, 1, high, column, at, required=required)


def _digest(name: str, at: str) -> Property:
    return Property(name, TEXT, 1, 64, at, at, epoch=True)


def _whole(
    name: str, column: str, low: int = 0, high: int = INT64_MAX, *, required: bool = False
) -> Property:
    return Property(name, WHOLE, low, high, column, required=required)


def _usage(name: str) -> Property:
    return Property(name, WHOLE, 0, INT64_MAX, name, required=True, nullable=True)


def _real(name: str, low: float = -INFINITE, high: float = INFINITE) -> Property:
    return Property(name, REAL, low, high, name)


def _choice(name: str, column: str, choices: tuple[str, ...]) -> Property:
    longest = max(map(len, choices))
    return Property(name, CHOICE, 1, longest, column, choices=choices)


PROPERTIES: tuple[Property, ...] = (
    Property("schema_version", VERSION, 1, 1),
    _text("event_id", 2048, "event_id", column="event", required=True),
    _whole("event_time", "event_time", EARLIEST_MS, LATEST_MS, required=True),
    _text("account_id", 512, "account", required=True),
    _text("org_id", 512, "org"),
    _text("api_key_id", 512, "api_key"),
    _text("session_id", 512, "session"),
    _whole("account_created_at", "created", EARLIEST_MS),  # nor after event_time: else not known
    _choice("account_tier", "tier", TIERS),
    _choice("signup_path", "signup", SIGNUPS),
    _digest("referral_fp", "referral"),
    _digest("payment_fp", "payment"),
    Property("billing_country", COUNTRY, 2, 2, "billing_country"),
    Property("geo_country", COUNTRY, 2, 2, "geo_country"),
    _digest("ip_prefix_fp", "prefix"),
    _whole("asn", "asn", 0, 2**32 - 1),
    _choice("ip_class", "ip_class", IP_CLASSES),
    _digest("tls_fp", "tls"),
    _digest("device_fp", "device"),
    _digest("client_fp", "client"),
    Property("client_attested", FLAG, column="client_attested"),
    _choice("access_path", "access_path", ACCESS_PATHS),
    _text("model", 128, "model", required=True),
    _usage("input_tokens"),
    _usage("output_tokens"),
    _whole("reasoning_tokens", "reasoning_tokens"),
    _whole("cached_tokens", "cached_tokens"),
    _whole("max_tokens", "max_tokens"),
    _real("temperature"),
    _real("top_p"),
    _whole("n", "n", 1),
    Property("stream", FLAG, column="stream"),
    _whole("tool_count", "tool_count"),
    _whole("turn_index", "turn_index"),
    Property("has_image", FLAG, column="has_image"),
    _digest("system_fp", "system"),
    _digest("prompt_fp", "prompt"),
    Property("template_fp", TEMPLATE, 16, 16, "template"),
    _text("prompt_sketch", 128, "sketch", column=""),
    _text("lang", 8, "lang"),
    _choice("capability", "capability", CAPABILITIES),
    _real("cot_score", 0, 1),
    _real("grading_score", 0, 1),
    Property("status", SHORT, INT32_MIN, INT32_MAX, "status"),  # a four-byte column
    _text("error_class", 64, "error_class"),
    _whole("latency_ms", "latency_ms"),
    Property("cost_usd", MONEY, 0, INFINITE, "cost_micro"),  # and cost_micro must fit 64 bits
    _whole("ingest_time", "ingest_time"),
    _whole("id_epoch", "id_epoch"),
    _digest("reasoning_fp", "reasoning"),
)

INDEX: dict[str, int] = {p.name: i for i, p in enumerate(PROPERTIES)}
REQUIRED: tuple[str, ...] = tuple(p.name for p in PROPERTIES if p.required)
OPTIONAL: tuple[str, ...] = tuple(p.name for p in PROPERTIES if not p.required)
USAGE: tuple[str, ...] = tuple(p.name for p in PROPERTIES if p.nullable)

# What an event says of the request itself. Left out is what may differ when the same event is delivered
# again: when it was handed over, what is looked up of its account and address, what classifiers say.
# A row begins with it, and its small columns fill one word: so its digest reads whole words in a row.
CONTENT: tuple[str, ...] = (
    *("event_time", "model", "error_class", "latency_ms", "cost_micro"),
    *("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens"),
    *("max_tokens", "temperature", "top_p", "n", "tool_count", "turn_index"),
    *("org", "api_key", "session", "payment", "prefix", "tls", "device", "client"),
    *("system", "prompt", "template", "reasoning"),
    *("status", "stream", "has_image", "access_path", "has_template"),
)


def _columns() -> list[tuple[str, str, object]]:
    """Name, format and "not known" value of every column, in an order in which none needs a gap.

    First comes `CONTENT`, then what is left of the widest, and so on.
    """
    wide: list[tuple[str, str, object]] = []
    rest: list[tuple[str, str, object]] = [("row", "i4", 0), ("status", "i4", 0)]
    texts = [p for p in PROPERTIES if p.position]
    for p in PROPERTIES:
        if p.kind == TEXT and p.column:
            wide.append((p.column, "u8", 0))
        elif p.kind in (WHOLE, MONEY):
            wide.append((p.column, "i8", 0 if p.required and not p.nullable else -1))
        elif p.kind == REAL:
            wide.append((p.column, "f8", np.nan))
        elif p.kind == TEMPLATE:
            wide.append((p.column, "u8", 0))
    rest += [(f"{p.position}_at", "u4", 0) for p in texts]
    rest += [(f"{p.position}_len", "u2", 0) for p in texts]
    rest += [(p.column, "u2", 0) for p in PROPERTIES if p.kind == COUNTRY]
    rest += [(p.column, "u1", NOT_LISTED) for p in PROPERTIES if p.kind == CHOICE]
    rest += [(p.column, "i1", -1) for p in PROPERTIES if p.kind == FLAG]
    every = [*wide, ("content", "u8", 0), *rest, ("has_template", "u1", 0)]
    first = {name: place for place, name in enumerate(CONTENT)}
    return sorted(every, key=lambda column: first.get(column[0], len(first)))


_COLUMNS = _columns()

# One row per accepted event; the size is a multiple of 8, so a row is also a run of 64-bit words.
EVENT = np.dtype([(name, kind) for name, kind, _ in _COLUMNS], align=True)
BLANK: tuple[object, ...] = tuple(blank for _, _, blank in _COLUMNS)
COLUMN: dict[str, int] = {name: i for i, (name, _, _) in enumerate(_COLUMNS)}
CONTENT_WORDS = sum(EVENT[name].itemsize for name in CONTENT) // 8  # at the beginning of a row


def country(code: int) -> str | None:
    """Two letters of a packed country column; None where it is 0 (not known)."""
    return chr(code >> 8) + chr(code & 0xFF) if code else None
