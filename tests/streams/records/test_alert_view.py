"""Alerts on a terminal: a line or a panel, whatever is in them, and what a filter lets through."""

import pytest
from rich.console import Console

from streams.records import alert_view

ALERT = {
    "kind": "account",
    "account_id": "a-1",
    "campaign_id": "camp-1",
    "role": "core",
    "state": "open",
    "as_of": 1_777_026_060_000,
    "severity": "high",
    "action": "verify",
    "confidence": 0.97,
    "families": ["identity", "content"],
    "evidence": [
        {
            "family": "identity",
            "parameter": "new accounts on one card",
            "observed": 41,
            "expected": 1.2,
            "unit": "accounts",
            "surprise_nats": 62.0,
        }
    ],
    "explanation": "41 accounts pay with one card.",
}


def rendered(what: object) -> str:
    console = Console(width=200, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def test_an_alert_reads_as_one_line() -> None:
    assert rendered(alert_view.line(ALERT)).strip() == (
        "2026-04-24 10:21Z + high     verify   account a-1 (core of camp-1) "
        "[identity, content] 41 accounts pay with one card."
    )


def test_a_panel_shows_the_evidence_against_what_is_normal() -> None:
    text = rendered(alert_view.panel(ALERT))
    assert "identity: new accounts on one card" in text
    assert "41 accounts" in text
    assert "1.2 accounts" in text


def test_an_identifier_cannot_reach_the_terminal_as_an_escape_sequence() -> None:
    evil = {**ALERT, "account_id": "\x1b[2J\x9b31m[red]x", "explanation": "a\nb\x07"}
    for shown in (rendered(alert_view.line(evil)), rendered(alert_view.panel(evil))):
        assert not {"\x1b", "\x9b", "\x07"} & set(shown)
        assert "[red]x" in shown  # and is no markup of ours


@pytest.mark.parametrize("odd", [{}, {"evidence": [1], "links": {}, "as_of": 1e30, "families": 3}])
def test_an_odd_alert_is_shown_as_far_as_it_goes(odd: dict[str, object]) -> None:
    assert rendered(alert_view.line(odd))
    assert rendered(alert_view.panel(odd))


def test_a_filter_by_action_keeps_graver_ones_and_what_it_does_not_know() -> None:
    assert alert_view.at_least("suspend", "verify")
    assert not alert_view.at_least("throttle", "verify")
    assert alert_view.at_least("banish", "verify")
