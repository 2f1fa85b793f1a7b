"""Commands about made-up worlds: `simulate`, `score` and `demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit import finish
from streams.cli.options import Days, Json, Scale, Seed

if TYPE_CHECKING:
    from streams.settings.settings import Settings

commands = typer.Typer()


@commands.command(
    epilog="Example: `hydrawatch simulate --preset standard --out world.jsonl --truth truth.json`  \n"
    "Example: `hydrawatch simulate --world mine.toml --topic --speed-up 600`"
)
def simulate(
    *,
    preset: Annotated[
        str | None,
        typer.Option(help="quick, standard, evasive, calm or published.  [default: quick]"),
    ] = None,
    world: Annotated[
        str | None, typer.Option(help="A composition of one's own (TOML).", metavar="FILE")
    ] = None,
    seed: Seed = 1,
    days: Days = None,
    accounts: Annotated[
        int | None, typer.Option(min=1, help="Ordinary accounts, if not its own.")
    ] = None,
    scale: Scale = 1.0,
    attacks: Annotated[bool, typer.Option(help="--no-attacks leaves them out.")] = True,
    out: Annotated[
        str | None, typer.Option(help=".jsonl or .jsonl.gz; - for stdout.", metavar="FILE|-")
    ] = None,
    topic: Annotated[bool, typer.Option("--topic", help="Produce to the request topic.")] = False,
    truth: Annotated[
        str | None, typer.Option(help="Write who is who as JSON.", metavar="FILE")
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(help="Write its control events (contracts, bans) by line.", metavar="FILE"),
    ] = None,
    speed_up: Annotated[
        float,
        typer.Option(min=0, help="With --topic: times real time; 0 is as fast as it goes."),
    ] = 0.0,
    end: Annotated[
        str | None,
        typer.Option(
            metavar="MS|now",
            help="When the world ends, ms since epoch; with it, the same seed gives the same bytes.  "
            "[default: now]",
        ),
    ] = None,
    pieces: Annotated[
        bool, typer.Option("--list", help="Show the pieces that a composition may name.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a simulated world: innocent look-alikes, attacks, and the truth about them."""

    def work(settings: Settings) -> int:
        from streams.commands import simulate as command

        if pieces:
            return command.show_pieces(json)
        wanted = command.Wanted(
            preset,
            world,
            seed,
            days,
            accounts,
            scale,
            attacks,
            out,
            topic,
            truth,
            control,
            speed_up,
            end,
        )
        return command.run(settings, wanted, json)

    finish(work)


@commands.command(
    epilog="Example: `hydrawatch score --events world.jsonl.gz --truth truth.json --alerts alerts.jsonl`  \n"
    "Example: `hydrawatch score --events w.jsonl --truth t.json --alerts a.jsonl --json | jq .score.figures`"
)
def score(
    *,
    events: Annotated[
        str,
        typer.Option(
            help="The world's events, .jsonl (also .gz, .bz2, .xz, .zst) or .parquet; - for stdin.",
            metavar="FILE|-",
        ),
    ],
    truth: Annotated[
        str, typer.Option(help="What simulate --truth wrote with them.", metavar="FILE")
    ],
    alerts: Annotated[
        str,
        typer.Option(help="Alerts on these events, one per line; - for stdin.", metavar="FILE|-"),
    ],
    json: Json = False,
) -> None:
    """Hold alerts against a simulated world: what was found, how much leaked before, who was wronged.

    The figures are those of docs/scoreboard.md. All events are needed, those of ordinary accounts
    too; each counts once. Exit code 1 if the files are not of one world.
    """

    def work(_: Settings) -> int:
        from streams.commands import score as command

        return command.run(events, truth, alerts, json)

    finish(work)


@commands.command(epilog="Example: `hydrawatch demo --stay`")
def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Leave it up until Ctrl-C.")] = False,
    preset: Annotated[
        str, typer.Option(help="The world: quick, standard, evasive, calm or published.")
    ] = "quick",
    days: Days = None,
    scale: Scale = 1.0,
    seed: Seed = 1,
    gateway: Annotated[
        bool,
        typer.Option(
            "--gateway",
            help="Through the intake: the world is told as LiteLLM's records, over HTTP.",
        ),
    ] = False,
) -> None:
    """Show it all on this machine: a broker, a worker, a simulated world, and the alerts.

    The world ends now and runs faster than real time; it takes about a minute. With --gateway an intake
    runs too, with a directory of the accounts; exit code 1 if no alert then advises to verify anybody.
    """

    def work(settings: Settings) -> int:
        from streams.commands import demo as command

        return command.run(settings, stay, preset, days, scale, seed, gateway)

    finish(work)
