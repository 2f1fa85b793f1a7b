"""Logs on stderr: JSON lines for machines, readable on a terminal, silent when healthy."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO

import orjson
import structlog

from streams.settings.values import MASK
from streams.terminal import json_text, shown, shown_lines

# Fields that may carry a person's identifier, an event or a secret: never in a log, whoever logs.
WITHHELD = frozenset(
    {
        "access_token",
        "account_id",
        "api_key_id",
        "hash_key",
        "oauth_client_secret",
        "org_id",
        "password",
        "payload",
        "sasl_password",
        "sasl_plain_password",
        "session_id",
        "tls_key_password",
        "token",
        "value",
    }
)
# They log each rebalance and reconnection at INFO; a healthy worker has nothing to say.
CHATTY = (
    *("aiokafka", "asyncio", "faust", "mode", "numba"),
    *("streams.bulk.consumer", "streams.bulk.thread"),
)
# kafka-python serves commands only, which turn its errors into one line.
MUTE = ("kafka",)
TRACES = ("exception", "stack")  # they have lines of their own
_BEARER = r"(?<=Bearer )[\w.~+/=-]+"


def setup(level: str = "info", stream: TextIO | None = None, secrets: Iterable[str] = ()) -> None:
    """Send records of structlog and the standard library to `stream` (stderr) in one form.

    The secrets and bearer tokens are masked in whatever anybody logs: at debug level the clients
    print their configuration and requests, passwords and all.
    """
    target = sys.stderr if stream is None else stream
    shared: list[Any] = [
        _withhold,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(target),
                _masking(secrets),
            ],
        )
    )
    handler.addFilter(_Repeats())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    if level == "debug":
        return
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    for name in MUTE:
        # Not by level: streams.kafka.connection listens for what such a client complains of.
        logging.getLogger(name).propagate = False
        logging.getLogger(name).addHandler(logging.NullHandler())


class _Repeats(logging.Filter):
    """Lets a library say the same few times in a while, and then how often it has said it since.

    aiokafka asks again without a pause where a topic is gone or forbidden, and logs each time: ten
    thousand lines a second would fill the disk and hide what is wrong. Our own records pass.
    """

    def __init__(self, most: int = 5, seconds: float = 10.0) -> None:
        super().__init__()
        self._most = most
        self._seconds = seconds
        self._said: dict[tuple[str, str], list[float]] = {}  # when it began, how often since

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to pass it on."""
        if not isinstance(record.msg, str):  # structlog's come as mappings
            return True
        if len(self._said) >= 1000:  # templates are few, but some libraries format beforehand
            self._said.clear()
        entry = self._said.setdefault((record.name, record.msg), [record.created, 0])
        unsaid = int(entry[1]) - self._most
        if record.created - entry[0] >= self._seconds:
            entry[:] = record.created, 0
            if unsaid > 0:
                record.msg = f"{record.msg} (and {unsaid:,} times more)"
        entry[1] += 1
        return entry[1] <= self._most


def _masking(secrets: Iterable[str]) -> Any:
    """A processor that masks the secrets in a rendered line, as they are and as Python quotes them."""
    forms = {form for text in secrets for form in (text, repr(text)[1:-1])}
    forms |= {orjson.dumps(form).decode()[1:-1] for form in forms}
    longest_first = sorted(filter(None, forms), key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, longest_first), _BEARER]))

    def masked(_: Any, __: str, line: str) -> str:
        return pattern.sub(MASK, line)

    return masked


def _rendering(target: TextIO) -> list[Any]:
    if target.isatty():
        colors = "NO_COLOR" not in os.environ
        # The plain formatter prints no local variables: they hold events.
        return [
            structlog.processors.format_exc_info,
            _harmless,
            structlog.dev.ConsoleRenderer(
                colors=colors, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]


def _harmless(_: Any, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """For a terminal: what others have written as characters that show, before colours are put in."""
    made: dict[str, Any] = {}
    for name, value in record.items():
        if name in TRACES:
            made[name] = "\n".join(shown_lines(value))
        elif isinstance(value, (bool, int, float)) or value is None:
            made[shown(name)] = value
        else:
            made[shown(name)] = shown(value if isinstance(value, str) else repr(value))
    return made


def _json(value: Any, default: Any = None, **_: Any) -> str:
    return json_text(orjson.dumps(value, default=default or str))


def _withhold(_: Any, __: str, record: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in WITHHELD & record.keys():
        record[name] = "[withheld]"
    return record
