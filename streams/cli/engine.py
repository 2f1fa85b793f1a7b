"""Commands that run the engine: `worker`, `replay`, and `check` of what either would run with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit import end, finish
from streams.cli.options import Json, Partitions

if TYPE_CHECKING:
    from streams.settings.settings import Settings

commands = typer.Typer()


@commands.command(epilog="Example: `HYDRAWATCH_BROKER=kafka-1:9092,kafka-2:9092 hydrawatch worker`")
def worker() -> None:
    """Read request events from the broker and write alerts, until stopped.

    One process per core; start as many as there are partitions at most.
    """

    def work(settings: Settings) -> int:
        from streams.commands import worker as command

        return command.run(settings)

    finish(work)


@commands.command(
    epilog="Example: `hydrawatch replay events.jsonl.gz --alerts alerts.jsonl`  \n"
    "Example: `zcat day-*.gz | hydrawatch replay - --alerts - --drain`"
)
def replay(
    file: Annotated[
        str, typer.Argument(help=".jsonl (also .gz, .bz2, .xz, .zst) or .parquet; - for stdin.")
    ],
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
    """Run the engine on a file, without a broker: the same events give the worker's alerts.

    Exit code 1 if nothing, or nearly nothing, of the file could be read.
    """

    def work(settings: Settings) -> int:
        from streams.commands import replay as command

        return command.run(settings, file, alerts, control, partitions, drain, json, shadow)

    finish(work)


@commands.command(
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
        from streams.commands import check as command
        from streams.settings import logs

        logs.setup()
        return command.run(topics, json)

    end(work)
