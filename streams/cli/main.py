"""The command `hydrawatch`: which commands there are.

Each is declared in `streams.cli_*` and does its work in `streams.commands`. Data alone goes to
stdout; exit codes: `streams.cli.exit`.
"""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli import broker as cli_broker
from streams.cli import engine as cli_engine
from streams.cli import intake as cli_intake
from streams.cli import records as cli_records
from streams.cli import worlds as cli_worlds
from streams.cli.exit import OK
from streams.terminal import forgiving

app = typer.Typer(
    name="hydrawatch",
    help="Notices networks of API accounts that act as one: events in from Kafka, alerts out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (cli_engine, cli_worlds, cli_records, cli_intake, cli_broker):
    app.add_typer(group.commands)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    forgiving()
    app()


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"hydrawatch {installed('hydrawatch')}")
        raise typer.Exit(OK)
