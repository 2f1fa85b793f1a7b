"""Nothing that others have written reaches a terminal but as characters that show themselves."""

from __future__ import annotations

import io
import json
import unicodedata

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams import terminal

HOSTILE = "\x00\x07\x1b[2J\r\n\x7f\x9b31m\u200b\u200f\u202e\u2066\u2028\ufeff\u3164\ufe0f\U000e0041"


def harmless(text: str) -> bool:
    return not any(
        unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs") or c in "\u3164\ufe0f"
        for c in text
    )


@given(st.text(st.characters(codec=None, exclude_categories=())))
@example(HOSTILE)
@example("\ud800")
def test_any_text_is_shown_as_one_line_of_what_shows_itself(text: str) -> None:
    assert harmless(terminal.shown(text))
    assert len(terminal.shown(text)) >= len(text)


def test_what_is_plain_stays_as_it_is_in_any_script() -> None:
    for text in (
        "a-71f2",
        "[red]x[/red]",
        ":smile:",
        "José",
        "日本語",
        "हिन्दी",
        "שלום",
        "👍🏽",
        "1\u00a0000",
    ):
        assert terminal.shown(text) == text


def test_what_is_escaped_can_be_told_apart() -> None:
    assert terminal.shown("a\x1b[2J\u202eb\U000e0041") == "a\\x1b[2J\\u202eb\\U000e0041"


def test_marks_do_not_pile_up_on_a_character_or_on_ours() -> None:
    assert terminal.shown("e\u0301") == "e\u0301"
    assert terminal.shown("\u0301x") == "\\u0301x"
    assert terminal.shown("z" + "\u0335" * 50).count("\u0335") == terminal.MOST_MARKS


@given(
    st.recursive(
        st.one_of(st.text(), st.integers(-(2**60), 2**60), st.none(), st.booleans()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    )
)
@example({HOSTILE: [HOSTILE]})
def test_json_means_the_same_and_is_one_harmless_line(value: object) -> None:
    raw = orjson.dumps(value)
    text = (
        terminal.json_text(b"\n" + raw.replace(b",", b",\r\n\t") + b"\n") if b'"' not in raw else ""
    )
    for line in (terminal.json_text(raw), text or "null"):
        assert harmless(line)
    assert json.loads(terminal.json_text(raw)) == value
    if text:
        assert json.loads(text) == value


def test_json_keeps_what_a_parser_would_round_or_drop() -> None:
    raw = '{"a": 12345678901234567890123, "a": 1.10, "b": "\\u0041\u009b"}\n'.encode()
    assert terminal.json_text(raw) == (
        '{"a": 12345678901234567890123, "a": 1.10, "b": "\\u0041\\u009b"}'
    )


def test_a_stdout_that_cannot_show_a_character_costs_the_character(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="strict")
    monkeypatch.setattr("sys.stdout", out)
    terminal.forgiving()
    terminal.console().print("~ a-é ↑")
    terminal.JsonLines().write('{"a":"é\U0001f44d"}'.encode())
    terminal.indented({"a": "é"})
    out.flush()
    assert raw.getvalue().decode("ascii").splitlines() == [
        "~ a-? ?",
        '{"a":"\\u00e9\\ud83d\\udc4d"}',
        "{",
        '  "a": "\\u00e9"',
        "}",
    ]


def test_a_path_of_bytes_that_are_no_text_can_be_told_as_json() -> None:
    assert json.loads(terminal.json_of({"file": "a\udcff"})) == {"file": "a\udcff"}


def test_a_console_takes_a_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.console(soft_wrap=True).print("/data/[red]a[/]/:smile:/b.jsonl")
    assert capsys.readouterr().out == "/data/[red]a[/]/:smile:/b.jsonl\n"
