"""The log tells what is wrong once, however often a library says it."""

from __future__ import annotations

import io
import json
import logging
import unicodedata

import pytest
import structlog

from streams.settings import logs
from tests.streams.test_terminal import HOSTILE

pytestmark = pytest.mark.usefixtures("logging_restored")


def test_a_library_that_says_the_same_without_end_is_heard_a_few_times() -> None:
    out = io.StringIO()
    logs.setup("info", out)
    library = logging.getLogger("some.client")
    for number in range(100_000):
        library.error("topic %s not found", number)
        if number % 50_000 == 0:
            library.warning("something else")
    said = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert said.count("something else") == 2
    assert len(said) < 100


def test_what_was_left_out_is_counted_when_it_is_said_again() -> None:
    out = io.StringIO()
    logs.setup("info", out)
    library = logging.getLogger("some.other.client")
    for at in [0.0] * 8 + [11.0]:
        record = library.makeRecord(library.name, logging.ERROR, "", 0, "gone: %s", ("t",), None)
        record.created = 1_000.0 + at
        library.handle(record)
    said = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert said == ["gone: t"] * 5 + ["gone: t (and 3 times more)"]


def test_our_own_records_are_never_left_out() -> None:
    out = io.StringIO()
    logs.setup("info", out)
    for _ in range(50):
        structlog.get_logger("ours").warning("the same")
    assert len(out.getvalue().splitlines()) == 50


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [_Terminal(), io.StringIO()], ids=["terminal", "pipe"])
def test_what_others_wrote_reaches_no_terminal_raw(
    out: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    logs.setup("info", out)
    log = structlog.get_logger("ours")
    log.warning("said " + HOSTILE, reason=HOSTILE, parts=[HOSTILE], **{HOSTILE: 1})
    logging.getLogger("theirs").error("they say %s", HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("failed")
    text = out.getvalue()
    bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
    assert bad <= {"\n"}
    assert "they say" in text
    assert "ValueError" in text
    if not out.isatty():
        first = json.loads(text.splitlines()[0])
        assert first["reason"] == HOSTILE
