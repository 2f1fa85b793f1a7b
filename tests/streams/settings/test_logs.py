"""The log tells what is wrong once, however often a library says it."""

from __future__ import annotations

import io
import json
import logging

import pytest
import structlog

from streams.settings import logs

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
