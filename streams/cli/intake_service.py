"""The ways into the intake that stay up, `serve` and `topic`, and `directory`, which feeds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit import finish
from streams.cli.options import Json

if TYPE_CHECKING:
    from streams.settings.settings import Settings

commands = typer.Typer()

Account = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FORMAT=EXPRESSION",
        help="Which field is the account, where a gateway leaves it open; once for each format.",
    ),
]
DirectoryFile = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="What is known of accounts (account-directory.v1): .jsonl, .jsonl.gz or .parquet.",
    ),
]
DirectoryTopic = Annotated[
    bool,
    typer.Option(
        "--directory-topic",
        help="Follow the directory's topic instead.  [HYDRAWATCH_ACCOUNTS_TOPIC]",
    ),
]
DigestIds = Annotated[
    bool,
    typer.Option("--digest-ids", help="The file's ids are raw: digest them as the records' are."),
]
GeoCountry = Annotated[
    str | None, typer.Option(metavar="FILE", help="Countries of addresses (.mmdb).")
]
GeoAsn = Annotated[
    str | None, typer.Option(metavar="FILE", help="Autonomous systems of addresses (.mmdb).")
]
Mappings = Annotated[
    list[str] | None,
    typer.Option("--mapping", metavar="FILE", help="A format of one's own (TOML); several times."),
]


@commands.command(
    epilog="Example: `HYDRAWATCH_INTAKE_TOKEN_FILE=tokens hydrawatch intake serve --directory-topic`  \n"
    "Example: `hydrawatch intake serve --account litellm=metadata.user_api_key_end_user_id`"
)
def serve(
    *,
    account: Account = None,
    directory: DirectoryFile = None,
    directory_topic: DirectoryTopic = False,
    digest_ids: DigestIds = False,
    geo_country: GeoCountry = None,
    geo_asn: GeoAsn = None,
    mapping: Mappings = None,
) -> None:
    """Take records of gateways over HTTP: POST /v1/ingest/FORMAT, and OTLP on /v1/traces and /v1/logs.

    A request is answered once the brokers have its events. 200 says how many there were and what was
    refused, which no retry mends; 429 and 503 say when to come again.
    """

    def work(settings: Settings) -> int:
        from streams.commands import intake_serve as command
        from streams.commands.intake_options import options_of

        return command.run(
            settings,
            options_of(
                settings,
                account,
                directory,
                directory_topic,
                digest_ids,
                (geo_country, geo_asn),
                mapping,
            ),
        )

    finish(work)


@commands.command(
    epilog="Example: `hydrawatch intake topic --from kong-logs --format kong --directory-topic`  \n"
    "Example: `hydrawatch intake topic --from otlp_spans --format otel_spans_proto`"
)
def topic(
    *,
    source: Annotated[str, typer.Option("--from", metavar="TOPIC", help="The topic to read.")],
    format: Annotated[str, typer.Option("--format", help="What its records are.")],  # noqa: A002
    group: Annotated[
        str | None,
        typer.Option(help="Consumer group.  [default: hydrawatch-intake.TOPIC]"),
    ] = None,
    account: Account = None,
    directory: DirectoryFile = None,
    directory_topic: DirectoryTopic = False,
    digest_ids: DigestIds = False,
    geo_country: GeoCountry = None,
    geo_asn: GeoAsn = None,
    mapping: Mappings = None,
) -> None:
    """Make request events of the records of any topic, from its beginning, and go on as they come.

    What was read is committed once the brokers have the events: a record may be read twice, and makes
    the same event then. A record that cannot be read leaves a dead letter that names its place.
    """

    def work(settings: Settings) -> int:
        from streams.commands import intake_topic as command
        from streams.commands.intake_options import options_of

        return command.run(
            settings,
            command.Wanted(source, format, group),
            options_of(
                settings,
                account,
                directory,
                directory_topic,
                digest_ids,
                (geo_country, geo_asn),
                mapping,
            ),
        )

    finish(work)


@commands.command(
    epilog="Example: `hydrawatch intake directory accounts.jsonl.gz --to-topic --digest-ids`  \n"
    "Example: `hydrawatch intake directory --forget a-71f2 --to-topic --digest-ids`"
)
def directory(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help=".jsonl, .jsonl.gz or .parquet.")
    ] = None,
    *,
    to_topic: Annotated[
        bool,
        typer.Option(
            "--to-topic", help="Produce it; otherwise it is only read.  [HYDRAWATCH_ACCOUNTS_TOPIC]"
        ),
    ] = False,
    forget: Annotated[
        list[str] | None,
        typer.Option(metavar="ACCOUNT", help="Forget an account: a record without value."),
    ] = None,
    digest_ids: DigestIds = False,
    json: Json = False,
) -> None:
    """Check a directory of accounts, and put it onto the topic that the intakes follow.

    A record replaces what was known of its account before, unless that has a later updated_at.
    """

    def work(settings: Settings) -> int:
        from streams.commands import intake_directory as command

        return command.run(settings, file, to_topic, forget or [], digest_ids, json)

    finish(work)
