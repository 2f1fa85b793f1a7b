"""How a span's request ended: an HTTP status and a class of error, from the ways in which spans say it.

`error.type` is a status as text, a provider's code or an exception's name. What is none of these may be
anybody's text, and is "other" (the conventions' "_OTHER").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from streams.intake.otlp import Attributes, Signal

OTHER: Final = "other"
_STATUSES: Final = (
    *("http.response.status_code", "http.status_code", "gen_ai.response.status_code"),
    *("litellm.provider.error.code", "error.code", "metadata.error_code"),
)
_TYPES: Final = ("error.type", "exception.type", "error.class")
# A request that failed had begun to be answered where it has one of these.
_ANSWERED: Final = (
    *("gen_ai.response.finish_reasons", "gen_ai.response.time_to_first_chunk"),
    *("gen_ai.response.id", "llm.finish_reason"),
)
# Statuses of classes of error, by what a name of any library has in it. The first that fits.
_BY_NAME: Final = (
    (re.compile(r"ratelimit|toomanyrequests|quota|throttl|resourceexhausted"), 429),
    (re.compile(r"authentication|unauthorized|unauthenticated|invalidapikey"), 401),
    (re.compile(r"permission|forbidden|accessdenied"), 403),
    (re.compile(r"notfound"), 404),
    (re.compile(r"overloaded"), 529),
    (re.compile(r"serviceunavailable|unavailable"), 503),
    (
        re.compile(
            r"badrequest|invalidrequest|contextlength|contextwindow|contentpolicy|contentfilter"
        ),
        400,
    ),
    (re.compile(r"unprocessable"), 422),
    (re.compile(r"internalserver|servererror|apierror"), 500),
)
# A name is believed to be a class where it ends like one, or is one of those that providers have.
_CLASS: Final = re.compile(
    r"[A-Za-z_][\w.$:/-]{0,62}(?:error|exception|timeout|fault|failure|exceeded|cancell?ed|unavailable)",
    re.IGNORECASE,
)
_CODES: Final = frozenset(
    (
        *("timeout", "cancelled", "canceled", "aborted", "unavailable", "overloaded", "rate_limit"),
        *(
            "insufficient_quota",
            "invalid_api_key",
            "model_not_found",
            "content_filter",
            "not_found",
        ),
        *(
            "invalid_request",
            "unauthorized",
            "forbidden",
            "server_certificate_invalid",
            "throttled",
        ),
        *("connection_reset", "connection_refused", "name_resolution_error", OTHER),
    )
)


@dataclass(frozen=True, slots=True)
class End:
    """How a request ended. `status`: None where nothing tells; `error_class`: if a name of it is told."""

    failed: bool
    status: int | None
    error_class: str | None


def end_of(signal: Signal) -> End:
    """How the request of a span or log record ended."""
    a = signal.attributes
    status = next(filter(None, (_status(a[name]) for name in _STATUSES if name in a)), None)
    kind = _first_text(a, _TYPES)
    if not signal.failed and kind is None and (status is None or status < 400):
        return End(False, 200 if status is None else status, None)
    if kind is None:
        exceptions = (attributes for name, attributes in signal.events if name == "exception")
        kind = next(filter(None, (_first_text(e, _TYPES) for e in exceptions)), None)
    code = _status(kind)
    named = _named(kind) if code is None else None
    if status is None and any(name in a for name in _ANSWERED):
        status = (
            200  # it was answered, and broken off: what it used is not known, rather than nothing
        )
    return End(True, status or code or _by_name(named or ""), named)


def _first_text(of: Attributes, names: tuple[str, ...]) -> str | None:
    values = (of[name] for name in names if name in of)
    return next((str(v) for v in values if type(v) in (str, int) and v != ""), None)


def _status(value: Any) -> int | None:
    if type(value) is str and len(value) == 3 and value.isascii() and value.isdigit():
        value = int(value)
    return value if type(value) is int and 100 <= value <= 599 else None


def _named(kind: str | None) -> str:
    kind = "" if kind is None else kind.rpartition(".")[2]  # without its module, as others say it
    return kind if kind.lower() in _CODES or _CLASS.fullmatch(kind) else OTHER


def _by_name(named: str) -> int | None:
    plain = named.lower().replace("_", "").replace("-", "")
    return next((status for pattern, status in _BY_NAME if pattern.search(plain)), None)
