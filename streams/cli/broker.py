"""Commands on the broker's side of hydrawatch: its `topics`, and the `state` that is kept there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.exit import finish
from streams.cli.options import Json, Partitions

if TYPE_CHECKING:
    from streams.settings.settings import Settings

commands = typer.Typer()
topics_app = typer.Typer(help="Create or verify the topics.", no_args_is_help=True)
commands.add_typer(topics_app, name="topics")
state_app = typer.Typer(
    help="What is kept of the past at the broker, and forgetting it.", no_args_is_help=True
)
commands.add_typer(state_app, name="state")


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

    finish(work)


@topics_app.command("verify", epilog="Example: `hydrawatch topics verify && hydrawatch worker`")
def topics_verify(partitions: Partitions = None, json: Json = False) -> None:
    """Say what is wrong with the topics; exit code 1 if anything is."""

    def work(settings: Settings) -> int:
        from streams.commands import topics as command

        return command.verify(settings, partitions, json)

    finish(work)


@state_app.command("show", epilog="Example: `hydrawatch state show --json | jq '.[].kept_at'`")
def state_show(json: Json = False) -> None:
    """Show the last snapshot of every stage: age, where it goes on, size.

    It reads the whole state topic, and disturbs nobody. Exit code 1 if a worker of this
    configuration could not use what is kept.
    """

    def work(settings: Settings) -> int:
        from streams.commands import state as command

        return command.show(settings, json)

    finish(work)


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

    finish(work)
