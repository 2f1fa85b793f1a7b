"""What commands print of records, settings and files harms no terminal, and JSON stays what it was."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from rich.console import Console

from detectors.engine import Engine
from streams.commands import alerts, check, redrive, replay, state
from streams.demo.status import Status
from streams.demo.view import View
from streams.demo.worker import Reading
from streams.records.redrive import FATES, Count
from streams.settings.settings import Settings
from streams.state.inspect import KeptStage
from tests.streams.test_terminal import HOSTILE

MARKED = "[red]:smile:[/] " + HOSTILE
ALERT = {
    "schema_version": 1,
    "kind": "account",
    "action": "verify",
    "state": "open",
    "as_of": 1_777_026_060_000,
    "revision": 12345678901234567890,
    **dict.fromkeys(("account_id", "campaign_id", "role", "severity", "explanation"), MARKED),
    "families": [MARKED],
    "evidence": [dict.fromkeys(("family", "parameter", "unit", "observed"), MARKED)],
    "links": [dict.fromkeys(("field", "value_fp"), MARKED)],
    "counter_evidence": [MARKED],
    MARKED: MARKED,
}


def hostile_in(text: str) -> set[str]:
    """Characters that must not be in output, but for its line ends."""
    bad = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
    return (bad | ({"\u3164", "\ufe0f"} & set(text))) - {"\n"}


def of_alerts(patch: pytest.MonkeyPatch, *, full: bool = False, as_json: bool = False) -> None:
    patch.setattr(alerts, "values", lambda *_: iter([b"\n" + orjson.dumps(ALERT)]))
    alerts.run(Settings(), alerts.Wanted(False, True, None, None, "observe", False, full, as_json))


def of_state(patch: pytest.MonkeyPatch, *, as_json: bool) -> None:
    async def look(*_: object) -> list[KeptStage]:
        return [KeptStage("accounts", 0, origin={MARKED: MARKED}, problem=MARKED)]

    patch.setattr(state.inspect, "look", look)
    state.show(Settings(), as_json)


def of_redrive(patch: pytest.MonkeyPatch, *, as_json: bool) -> None:
    async def all_of_it(*_: object, **__: object) -> Count:
        return Count(dict.fromkeys(FATES, 1), {MARKED: 3})

    patch.setattr(redrive, "redrive", all_of_it)
    redrive.run(Settings(), [], None, False, as_json)


def of_check(patch: pytest.MonkeyPatch, *, as_json: bool) -> None:
    # The system itself lets no variable hold a zero byte.
    patch.setenv("HYDRAWATCH_DATA_DIR", MARKED.replace("\x00", ""))
    check.run(False, as_json)


def of_demo(patch: pytest.MonkeyPatch) -> None:
    status = Status(total=1, alerts=[ALERT, ALERT | {"kind": "network"}])
    status.look(Reading(), 0, 0, 0.0)
    screen = io.StringIO()
    for console in (Console(width=150), Console(file=screen, width=150, color_system=None)):
        view = View(console)
        view._latest = status.alerts
        console.print(view._screen(status))
        view._plain(status)
    sys.stdout.write(screen.getvalue())


PRINTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "alerts": of_alerts,
    "alerts --full": lambda patch: of_alerts(patch, full=True),
    "state show": lambda patch: of_state(patch, as_json=False),
    "redrive": lambda patch: of_redrive(patch, as_json=False),
    "check": lambda patch: of_check(patch, as_json=False),
    "demo": of_demo,
}
AS_JSON: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "alerts": lambda patch: of_alerts(patch, as_json=True),
    "state show": lambda patch: of_state(patch, as_json=True),
    "redrive": lambda patch: of_redrive(patch, as_json=True),
    "check": lambda patch: of_check(patch, as_json=True),
}


@pytest.mark.parametrize("command", PRINTED)
def test_what_others_wrote_is_printed_as_what_it_is(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    PRINTED[command](monkeypatch)
    out, err = capsys.readouterr()
    assert hostile_in(out) == hostile_in(err) == set()
    assert "[red]:smile:[/]" in out + err  # no markup and no names of pictures
    assert "\\x1b" in out + err


@pytest.mark.parametrize("command", AS_JSON)
def test_json_of_what_others_wrote_means_the_same_and_is_as_harmless(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    AS_JSON[command](monkeypatch)
    out, err = capsys.readouterr()
    assert hostile_in(out) == hostile_in(err) == set()
    assert MARKED.split("\x00")[0] in json.dumps(json.loads(out), ensure_ascii=False)


def test_json_of_an_alert_is_one_line_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of_alerts(monkeypatch, as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == ALERT


def test_alerts_that_a_replay_prints_are_as_harmless(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "[bold]world[blue].jsonl"
    path.write_bytes(b"{}\n")
    monkeypatch.setattr(replay, "encode", lambda alert: orjson.dumps(ALERT))

    class _Alert:
        mode, kind, state, action, account_id = "replay", "account", "open", "verify", MARKED

    monkeypatch.setattr(Engine, "feed", lambda *_: [_Alert()])
    assert replay.run(Settings(), str(path), "-", None, 1, False, False) == 1
    out, err = capsys.readouterr()
    assert hostile_in(out) == set()
    assert json.loads(out) == ALERT
    assert "[bold]world[blue].jsonl" in err.replace("\n", "")
