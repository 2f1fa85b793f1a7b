"""One alert as a person reads it: a line for a stream of them, a panel for a close look.

Alerts are shown as they came from a topic or a file: a missing or odd field must not end a viewer,
and an identifier chosen by an attacker must not reach the terminal as an escape sequence.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from streams.terminal import shown

SEVERITY_STYLE = {
    "info": "dim",
    "low": "cyan",
    "medium": "yellow",
    "high": "bold red",
    "critical": "bold white on red",
}
ACTIONS = ("observe", "throttle", "verify", "restrict", "suspend")
STATE_SIGN = {"open": "+", "updated": "~", "escalated": "↑", "resolved": "✓", "retracted": "✗"}


def line(alert: Mapping[str, Any]) -> Text:
    """Time, severity, action, kind, subject, families and explanation in one line."""
    severity = _text(alert.get("severity"))
    state = str(alert.get("state"))
    text = Text(overflow="fold")
    text.append(clock(alert.get("as_of")), style="dim")
    text.append(f" {STATE_SIGN.get(state, '?')} ")
    text.append(f"{severity:<8}", style=SEVERITY_STYLE.get(severity, ""))
    text.append(f" {_text(alert.get('action')):<8} ", style="bold")
    text.append(subject(alert))
    families = alert.get("families")
    if isinstance(families, list) and families:
        text.append(f" [{', '.join(map(_text, families))}]", style="magenta")
    text.append(f" {_text(alert.get('explanation'))}")
    return text


def panel(alert: Mapping[str, Any]) -> RenderableType:
    """The alert with its evidence, links and counter-evidence."""
    parts: list[RenderableType] = [Text(_text(alert.get("explanation")))]
    evidence = _mappings(alert.get("evidence"))
    if evidence:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("evidence")
        for title in ("observed", "expected", "nats"):
            table.add_column(title, justify="right")
        for piece in evidence:
            unit = _text(piece.get("unit"))
            table.add_row(
                Text(f"{_text(piece.get('family'))}: {_text(piece.get('parameter'))}"),
                Text(f"{_number(piece.get('observed'))} {unit}"),
                Text(f"{_number(piece.get('expected'))} {unit}"),
                Text(_number(piece.get("surprise_nats"))),
            )
        parts.append(table)
    parts += [
        Text(
            f"link: {_text(link.get('field'))} {_text(link.get('value_fp'))} on "
            f"{_number(link.get('accounts'))} accounts, {_number(link.get('weight'))} nats"
        )
        for link in _mappings(alert.get("links"))
    ]
    counter = alert.get("counter_evidence")
    if isinstance(counter, list):
        parts += [Text(f"against it: {_text(entry)}", style="green") for entry in counter]
    severity = _text(alert.get("severity"))
    confidence = alert.get("confidence")
    sure = f" · {confidence:.0%} sure" if isinstance(confidence, (int, float)) else ""
    heading = Text(f"{severity} · {_text(alert.get('action'))} · {subject(alert)}{sure}")
    footer = Text(
        f"{clock(alert.get('as_of'))} · {_text(alert.get('alert_id'))} revision "
        f"{_text(alert.get('revision'))} ({_text(alert.get('state'))})"
    )
    style = SEVERITY_STYLE.get(severity, "")
    return Panel(Group(*parts), title=heading, subtitle=footer, border_style=style, expand=False)


def subject(alert: Mapping[str, Any]) -> str:
    """Whom the alert is about: an account and its campaign, or a campaign and its size."""
    campaign = alert.get("campaign_id")
    if alert.get("kind") == "network":
        return f"campaign {_text(campaign)} of {_number(alert.get('size'))} accounts"
    account = f"account {_text(alert.get('account_id'))}"
    if campaign is None:
        return account
    role = f"{_text(alert['role'])} of " if alert.get("role") else ""
    return f"{account} ({role}{_text(campaign)})"


def clock(as_of: object) -> str:
    """Event time as UTC to the minute, which is what a tick is."""
    if not isinstance(as_of, int) or not 0 <= as_of < 253_402_300_800_000:
        return "????-??-?? ??:??Z"
    return datetime.fromtimestamp(as_of / 1000, tz=UTC).strftime("%Y-%m-%d %H:%MZ")


def at_least(action: object, floor: str) -> bool:
    """Whether an alert's action is `floor` or graver; an unknown one is shown, not hidden."""
    if action not in ACTIONS:
        return True
    return ACTIONS.index(str(action)) >= ACTIONS.index(floor)


def _text(value: object) -> str:
    return "?" if value is None else shown(value)


def _number(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _text(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
