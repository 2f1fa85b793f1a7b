"""The command `hydrawatch`. Declares the commands; each does its work in `streams.commands`.

Exit codes: 0 all is well, 1 a problem was found or the work failed, 2 wrong usage or configuration,
130 interrupted. Errors are one clear line on stderr; data alone goes to stdout.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from streams.settings import Settings

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    name="hydrawatch",
    help="Notices networks of API accounts that act as one: events in from Kafka, alerts out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics_app = typer.Typer(help="Create or verify the topics.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
state_app = typer.Typer(
    help="What is kept of the past at the broker, and forgetting it.", no_args_is_help=True
)
app.add_typer(state_app, name="state")

Json = Annotated[bool, typer.Option("--json", help="Machine-readable, on stdout.")]
Seed = Annotated[int, typer.Option(help="Same seed, same world.")]
Days = Annotated[
    float | None, typer.Option(min=0.05, max=400, help="Days of event time, if not its own.")
]
Scale = Annotated[float, typer.Option(min=0.001, max=1000, help="So many times all accounts.")]
Partitions = Annotated[
    int | None,
    typer.Option(min=1, max=1024, help="Partitions of the pipeline.  [HYDRAWATCH_PARTITIONS]"),
]


def main() -> None:
    """Run the command line; the entry point of the console script."""
    app()


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"hydrawatch {installed('hydrawatch')}")
        raise typer.Exit(OK)


@app.command(epilog="Example: `HYDRAWATCH_BROKER=kafka-1:9092,kafka-2:9092 hydrawatch worker`")
def worker() -> None:
    """Read request events from the broker and write alerts, until stopped.

    One process per core; start as many as there are partitions at most.
    """

    def work(settings: Settings) -> int:
        from streams.commands import worker as command

        return command.run(settings)

    _finish(work)


@app.command(
    epilog="Example: `hydrawatch replay events.jsonl.gz --alerts alerts.jsonl`  \n"
    "Example: `zcat day-*.gz | hydrawatch replay - --alerts - --drain`"
)
def replay(
    file: Annotated[str, typer.Argument(help=".jsonl, .jsonl.gz or .parquet; - for stdin.")],
    *,
    alerts: Annotated[str, typer.Option(help="Where the alerts go, one per line; - for stdout.")],
    control: Annotated[str | None, typer.Option(help="Control events (.jsonl).")] = None,
    partitions: Partitions = None,
    drain: Annotated[
        bool, typer.Option("--drain", help="Close all ticks at the end of the file.")
    ] = False,
    shadow: Annotated[
        str | None,
        typer.Option(help="Where alerts with detectors on trial (`shadow = true`) go."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Summary as JSON on stderr.")] = False,
) -> None:
    """Run the engine on a file, without a broker: the same events give the worker's alerts."""

    def work(settings: Settings) -> int:
        from streams.commands import replay as command

        return command.run(settings, file, alerts, control, partitions, drain, json, shadow)

    _finish(work)


@app.command(
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

    _finish(work)


@app.command(epilog="Example: `hydrawatch demo --stay`")
def demo(
    stay: Annotated[bool, typer.Option("--stay", help="Leave it up until Ctrl-C.")] = False,
    preset: Annotated[
        str, typer.Option(help="The world: quick, standard, evasive, calm or published.")
    ] = "quick",
    days: Days = None,
    scale: Scale = 1.0,
    seed: Seed = 1,
) -> None:
    """Show it all on this machine: a broker, a worker, a simulated world, and the alerts.

    The world ends now and runs faster than real time; it takes about a minute.
    """

    def work(settings: Settings) -> int:
        from streams.commands import demo as command

        return command.run(settings, stay, preset, days, scale, seed)

    _finish(work)


@app.command(
    epilog="Example: `hydrawatch alerts --from-beginning --min-action verify`  \n"
    "Example: `hydrawatch alerts --no-follow --json | jq .account_id`"
)
def alerts(
    *,
    follow: Annotated[
        bool, typer.Option(help="Wait for new ones; --no-follow prints what there is and ends.")
    ] = True,
    from_beginning: Annotated[
        bool, typer.Option("--from-beginning", help="Earlier ones first, not new ones only.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    kind: Annotated[str | None, typer.Option(help="account or network.")] = None,
    min_action: Annotated[
        str, typer.Option(help="observe, throttle, verify, restrict or suspend, and graver.")
    ] = "observe",
    shadow: Annotated[bool, typer.Option("--shadow", help="Read the shadow topic.")] = False,
    full: Annotated[bool, typer.Option("--full", help="With evidence and links.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The records as they are, by line.")] = False,
) -> None:
    """Show alerts from the alert topic as they come."""

    def work(settings: Settings) -> int:
        from streams.commands import alerts as command

        wanted = command.Wanted(
            follow, from_beginning or not follow, limit, kind, min_action, shadow, full, json
        )
        return command.run(settings, wanted)

    _finish(work)


@app.command(
    epilog="Example: `HYDRAWATCH_CONFIG=detectors.toml hydrawatch check`  \n"
    "Example: `hydrawatch check --topics --json | jq -r .digest`"
)
def check(
    topics: Annotated[
        bool, typer.Option("--topics", help="Also ask the broker for the topics.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the merged configuration, where each value came from, its digest, and what is wrong."""

    def work() -> int:
        # It loads the settings itself: broken ones are its findings, not its failure.
        from streams import logs
        from streams.commands import check as command

        logs.setup()
        return command.run(topics, json)

    _end(work)


@app.command(
    epilog="Example: `hydrawatch redrive --reason wrong_type --since 2026-05-01T12:00`  \n"
    "Example: `hydrawatch redrive --reason wrong_type --yes --json | jq .sent`"
)
def redrive(
    *,
    reason: Annotated[
        list[str] | None, typer.Option(help="Only these classes; may be given several times.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="Only those set aside since: 2026-05-01T12:00 (UTC), or ms since 1970."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Send them; otherwise they are only counted.")
    ] = False,
    json: Json = False,
) -> None:
    """Send dead letters back to the topic they came from, once what was wrong is mended.

    Key, value and partition stay as they were. Letters that this version cannot read either stay
    where they are, as do those that were cut. Sent twice, an event is dropped by its event_id as long
    as the lateness horizon reaches; a late one counts again in its account's totals, in no window.
    Exit code 1 if letters that were asked for cannot go back.
    """

    def work(settings: Settings) -> int:
        from streams.commands import redrive as command

        return command.run(settings, reason or [], since, yes, json)

    _finish(work)


@app.command(
    epilog="Example: `hydrawatch forget a-71f2`  \n"
    'Example: `printf %s "$ACCOUNT" | hydrawatch forget - --json | jq .erased`'
)
def forget(
    account: Annotated[
        str, typer.Argument(help="account_id; - reads it from stdin, out of the shell's history.")
    ],
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a worker to answer.")
    ] = 30.0,
    json: Json = False,
) -> None:
    """Erase an account's state, and say what remains in topics and until when.

    Workers may run: the one that has the account's partition erases it between two records, and the
    key networks and the campaign owner follow. Alerts about it are resolved. What comes of it later
    is of an account never seen before. Exit code 1 if no worker has answered in time.
    """

    def work(settings: Settings) -> int:
        from streams.commands import forget as command

        return command.run(settings, account, wait, json)

    _finish(work)


@topics_app.command("create", epilog="Example: `hydrawatch topics create --partitions 8`")
def topics_create(
    partitions: Partitions = None,
    replication: Annotated[
        int, typer.Option(min=-1, help="Copies of each partition; -1: the broker's default.")
    ] = -1,
    alert_partitions: Annotated[
        int, typer.Option(min=1, help="Partitions of the two alert topics, if they are new.")
    ] = 1,
    json: Json = False,
) -> None:
    """Create the topics that are missing, with retention and partitions stated."""

    def work(settings: Settings) -> int:
        from streams.commands import topics as command

        return command.create(settings, partitions, replication, alert_partitions, json)

    _finish(work)


@topics_app.command("verify", epilog="Example: `hydrawatch topics verify && hydrawatch worker`")
def topics_verify(partitions: Partitions = None, json: Json = False) -> None:
    """Say what is wrong with the topics; exit code 1 if anything is."""

    def work(settings: Settings) -> int:
        from streams.commands import topics as command

        return command.verify(settings, partitions, json)

    _finish(work)


@state_app.command("show", epilog="Example: `hydrawatch state show --json | jq '.[].kept_at'`")
def state_show(json: Json = False) -> None:
    """Show the last snapshot of every stage: age, where it goes on, size.

    It reads the whole state topic, and disturbs nobody. Exit code 1 if a worker of this
    configuration could not use what is kept.
    """

    def work(settings: Settings) -> int:
        from streams.commands import state as command

        return command.show(settings, json)

    _finish(work)


@state_app.command("reset", epilog="Example: `hydrawatch state reset --yes && hydrawatch worker`")
def state_reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do it; it cannot be undone.")] = False,
    json: Json = False,
) -> None:
    """Forget all that is kept, so that the workers begin anew; refused while any is running.

    They then read the request topic from its beginning: what its retention has deleted is gone from
    windows and baselines.
    """

    def work(settings: Settings) -> int:
        from streams.commands import state as command

        return command.reset(settings, yes, json)

    _finish(work)


def _finish(work: Callable[[Settings], int]) -> None:
    """Load the settings, set up the logs, do the work and exit with its code."""

    def with_settings() -> int:
        from streams import logs
        from streams.settings import load

        settings = load()
        logs.setup(settings.log_level, secrets=settings.secrets())
        return work(settings)

    _end(with_settings)


def _end(work: Callable[[], int]) -> None:
    """Do the work and exit; every error becomes a line on stderr and a code."""
    from detectors.errors import ConfigError, HydrawatchError

    try:
        code = work()
        sys.stdout.flush()
    except ConfigError as error:
        code = _complain(error, MISUSED)
    except HydrawatchError as error:
        code = _complain(error, FAILED)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader (head, jq) has what it wanted. Nothing may be flushed at exit any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except Exception as error:  # the outermost edge: a traceback tells a user nothing
        if os.environ.get("HYDRAWATCH_LOG_LEVEL", "").lower() == "debug":
            raise
        text = f"unexpected {type(error).__name__}: {error} (traceback: HYDRAWATCH_LOG_LEVEL=debug)"
        code = _complain(text, FAILED)
    raise typer.Exit(code)


def _complain(error: object, code: int) -> int:
    for text in str(error).splitlines():
        typer.secho(f"hydrawatch: {text}", err=True, fg="red" if sys.stderr.isatty() else None)
    return code
