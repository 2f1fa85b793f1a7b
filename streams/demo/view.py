"""The demo on the screen: a live display on a terminal, plain lines every few seconds elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.status import Status as Spinner
from rich.table import Table
from rich.text import Text

from streams import terminal
from streams.demo.status import Status
from streams.records import alert_view
from worlds.score import Score
from worlds.scoring.leaks import CampaignScore

PLAIN_EVERY_S = 5.0
PLAIN_ALERTS = 4  # of those that came between two plain lines
PLAIN_WIDTH = 200
BESIDE_ALERTS = 16  # lines of the display that are no alerts
MOST_NETWORKS = 3


class View:
    """Shows steps, then the stream, then the summary; a context manager that restores the terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or terminal.console()
        self._spinner: Spinner | None = None
        self._live: Live | None = None
        self._step = ""
        self._latest: list[dict[str, Any]] = []
        self._plain_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_spinner()
        if self._live is not None:
            self._live.stop()
            self._live = None

    def step(self, text: str) -> None:
        """Say what is being prepared."""
        self._stop_spinner(finished=True)
        self._step = text
        if self._console.is_terminal:
            self._spinner = self._console.status(Text(text + " ..."))
            self._spinner.start()
        else:
            self._console.print(f"- {text} ...", soft_wrap=True)

    def show(self, status: Status) -> None:
        """Show the stream as it stands."""
        self._stop_spinner(finished=True)
        news = status.news()
        if self._console.is_terminal:
            self._latest = (self._latest + news)[-max(3, self._console.height - BESIDE_ALERTS) :]
            if self._live is None:
                self._live = Live(console=self._console, auto_refresh=False)
                self._live.start()
            self._live.update(self._screen(status), refresh=True)
            return
        self._latest += news
        if status.reading.read and status.elapsed >= self._plain_at:
            self._plain_at = status.elapsed + PLAIN_EVERY_S
            self._plain(status)

    def summary(self, status: Status, score: Score, malformed: int) -> None:
        """Sum up what was seen against what the world knows."""
        self.show(status)
        self._leave_live()
        if not self._console.is_terminal:
            self._plain(status)
        self._console.print()
        for name, text in summary_lines(status, score, malformed).items():
            self._console.print(Text(f"{name:>24}  ", style="bold") + Text(text), soft_wrap=True)
        self._console.print(
            "\nThe last 10 minutes of event time stay open by design: events may still come, and "
            "nothing is\ndecided with hindsight. All figures are of a simulated world.",
            soft_wrap=True,
        )

    def ends_in(self, alert: Mapping[str, Any] | None) -> None:
        """Show the first alert that advises `verify` or more, or that there was none."""
        if alert is None:
            self._console.print("\nNo alert advises to verify anybody.")
            return
        self._console.print("\nThe first alert that advises more than to watch or slow down:")
        self._console.print(alert_view.line(alert), soft_wrap=True)

    def staying(self, broker: str, url: str) -> None:
        """Say what is left up, and how to look at it."""
        self._console.print(
            f"\nStill up, until Ctrl-C:\n"
            f"  metrics  {url}/metrics\n"
            f"  alerts   HYDRAWATCH_BROKER={broker} .venv/bin/hydrawatch alerts --from-beginning "
            f"--min-action verify",
            soft_wrap=True,
        )

    def _stop_spinner(self, *, finished: bool = False) -> None:
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None
            if finished:
                self._console.print(Text("✓ ", style="green") + Text(self._step))

    def _leave_live(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _plain(self, status: Status) -> None:
        reading = status.reading
        actions = ", ".join(f"{n} {a}" for a, n in status.accounts_by_action().items() if n)
        self._console.print(
            f"{alert_view.clock(round(reading.newest * 1000))}  read {reading.read:,} of "
            f"{status.total:,}  {status.rate:,.0f}/s  lag {status.lag:,}  ticks {reading.ticks:,}  "
            f"dead letters {status.dead_letters}  accounts: {actions or 'no alert yet'}",
            soft_wrap=True,
        )
        latest, self._latest = self._latest, []
        for alert in latest[-PLAIN_ALERTS:]:
            text = Text("    ") + alert_view.line(alert)
            text.truncate(PLAIN_WIDTH, overflow="ellipsis")
            self._console.print(text, soft_wrap=True)
        if len(latest) > PLAIN_ALERTS:
            self._console.print(f"    and {len(latest) - PLAIN_ALERTS} more alerts before these")

    def _screen(self, status: Status) -> RenderableType:
        reading = status.reading
        numbers = Table.grid(padding=(0, 3))
        for _ in range(6):
            numbers.add_column(justify="right", no_wrap=True)
        numbers.add_row(*(Text(name, style="dim") for name in _HEADINGS))
        numbers.add_row(
            Text(
                alert_view.clock(round(reading.newest * 1000)) if reading.read else "-",
                style="bold",
            ),
            f"{reading.read:,}",
            f"{status.rate:,.0f}",
            f"{status.lag:,}",
            f"{reading.ticks:,}",
            f"{status.dead_letters:,}",
        )
        actions = Text("accounts with an alert: ", style="dim")
        for action, count in status.accounts_by_action().items():
            actions.append(f"{action} ", style="default")
            actions.append(f"{count}   ", style="bold" if count else "dim")
        bar = ProgressBar(total=status.total, completed=reading.read, width=None)
        parts: list[RenderableType] = [bar, Text(), numbers, Text(), actions]
        parts += [_cut(alert_view.line(a)) for a in status.networks()[:MOST_NETWORKS]]
        title = f"a world of {status.total:,} events, streamed faster than real time"
        latest = [_cut(alert_view.line(alert)) for alert in reversed(self._latest)]
        return Group(
            Panel(Group(*parts), title=title, title_align="left"),
            Padding(Group(Text("alerts, the newest first", style="dim"), *latest), (0, 2)),
        )


_HEADINGS = ("event time", "read", "per second", "lag", "ticks", "dead letters")


def summary_lines(status: Status, score: Score, malformed: int) -> dict[str, str]:
    """The summary as names and sentences."""
    reading = status.reading
    wrong = ", ".join(
        f"{facts.named['throttle']} {code}"
        for code, facts in score.harm.look_alikes.items()
        if facts.named["throttle"]
    )
    right = score.harm.right["throttle"]
    found = {
        "accounts named": f"{score.named:,}: alerts that advise more than to observe",
        "really attackers": f"{right:,} of {score.named:,} named{_share(score.precision)}",
        "of attackers found": f"{score.found:,} of {score.attackers:,}{_share(score.recall)}",
        "false alarms": wrong or "none",
    }
    for campaign in score.campaigns:
        found[f"{campaign.scenario}, {campaign.accounts:,} accounts"] = _fared(campaign)
    return found | {
        "events per second": (
            f"{status.mean_rate:,.0f} by one worker beside broker, world and display "
            f"({reading.read:,} in {status.reading_s:.0f} s)"
        ),
        "set aside": (
            f"{status.dead_letters} dead letters for {malformed} malformed records mixed in; "
            f"{reading.duplicate:,} redelivered, {reading.late:,} late"
        ),
    }


def _share(share: float | None) -> str:
    return "" if share is None else f" ({share:.1%})"


def _fared(campaign: CampaignScore) -> str:
    if campaign.detect_hours is None:
        return "never noticed"
    return (
        f"first alert after {_hours(campaign.detect_hours)} of event time, {campaign.before_alert:.1%} "
        f"of its requests; {campaign.before_named:.0%} by accounts not named yet"
    )


def _hours(hours: float) -> str:
    minutes = round(hours * 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
