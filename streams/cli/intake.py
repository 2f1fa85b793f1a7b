"""The commands of the intake: `check` and `file` look at files; others stay up (`cli.intake_service`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli import intake_service
from streams.cli.exit import finish
from streams.cli.options import Json

if TYPE_CHECKING:
    from streams.settings.settings import Settings

_ways = typer.Typer(
    help="Records of gateways to request events: over HTTP, from a topic, from a file.",
    no_args_is_help=True,
)
commands = typer.Typer()
commands.add_typer(_ways, name="intake")
_ways.add_typer(intake_service.commands)

File = Annotated[
    str, typer.Argument(metavar="FILE|-", help="Gateway records, compressed or not; - for stdin.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="A gateway's name, or the path of a mapping file (.toml).",
    ),
]
Account = Annotated[
    str | None,
    typer.Option(
        metavar="EXPRESSION", help="Which field is the account, where a gateway leaves it open."
    ),
]


@_ways.command(
    epilog="Example: `hydrawatch intake check spend.jsonl --format litellm_spend`  \n"
    "Example: `hydrawatch intake check access.log --format mapping.toml --json | jq .summary`"
)
def check(
    file: File,
    *,
    format: Format,  # noqa: A002
    account: Account = None,
    limit: Annotated[int, typer.Option(min=0, help="Records that are shown one by one.")] = 20,
    json: Json = False,
) -> None:
    """Show what would become of gateway records, one by one, with reasons; nothing is written.

    Digests are made with HYDRAWATCH_INTAKE_KEY if it is set, else with a key of no use. Exit code 1 if
    a record is refused, or none is an event.
    """

    def work(settings: Settings) -> int:
        from streams.commands import intake_check as command

        return command.run(settings, file, format, account, limit, json)

    finish(work)


@_ways.command(
    "file",
    epilog="Example: `hydrawatch intake file logs.jsonl.gz --format kong --out events.jsonl`  \n"
    "Example: `hydrawatch intake file export.jsonl --format portkey --out events.jsonl "
    "--directory accounts.parquet --digest-ids`",
)
def file_command(
    file: File,
    *,
    format: Format,  # noqa: A002
    out: Annotated[
        str, typer.Option(metavar="EVENTS|-", help="Request events by line: .jsonl or .jsonl.gz.")
    ],
    account: Account = None,
    directory: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="What is known of accounts (account-directory.v1): .jsonl, .jsonl.gz or .parquet.",
        ),
    ] = None,
    digest_ids: Annotated[
        bool,
        typer.Option(
            "--digest-ids", help="The directory's ids are raw: digest them as the records' are."
        ),
    ] = False,
    geo_country: Annotated[
        str | None, typer.Option(metavar="FILE", help="Countries of addresses (.mmdb).")
    ] = None,
    geo_asn: Annotated[
        str | None, typer.Option(metavar="FILE", help="Autonomous systems of addresses (.mmdb).")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The summary as JSON, on stderr.")] = False,
) -> None:
    """Make a file of request events of gateway records, for `hydrawatch replay` and `produce`.

    Exit code 1 if nothing of it is an event.
    """

    def work(settings: Settings) -> int:
        from streams.commands import intake_file as command

        geo = [path for path in (geo_country, geo_asn) if path is not None]
        return command.run(settings, file, format, out, account, directory, digest_ids, geo, json)

    finish(work)
