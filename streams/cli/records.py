"""Commands on what is in the topics: `alerts`, `redrive` and `forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit import finish
from streams.cli.options import Json

if TYPE_CHECKING:
    from streams.settings.settings import Settings

commands = typer.Typer()


@commands.command(
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

    finish(work)


@commands.command(
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

    finish(work)


@commands.command(
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
    is of an account never seen before. A shadow worker's pipeline is its own: repeat the command with
    HYDRAWATCH_MODE=shadow where there is one. Exit code 1 if no worker has answered in time.
    """

    def work(settings: Settings) -> int:
        from streams.commands import forget as command

        return command.run(settings, account, wait, json)

    finish(work)
