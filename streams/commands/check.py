"""`hydrawatch check`: the merged configuration, where each value came from, and what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.table import Table
from rich.text import Text

from detectors.config import Loaded, as_plain
from detectors.errors import ConfigError, HydrawatchError
from streams.bulk.gone import what_follows
from streams.kafka.connection import tls_context
from streams.settings.detectors_toml import configured
from streams.settings.environment import doubtful, load
from streams.settings.settings import PUBLIC_HASH_KEY, Settings, variable
from streams.state.inspect import losses_ahead
from streams.terminal import console, indented, shown
from streams.topics import sample, status


@dataclass(slots=True)
class Report:
    """What was found: values with origins, and errors (mistakes to mend) and warnings."""

    environment: dict[str, dict[str, Any]] = field(default_factory=dict)
    detectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    digest: str | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # of the topics
    placement: dict[str, int] | None = None  # of the newest requests, by what was seen of them


def run(with_topics: bool, as_json: bool) -> int:
    """Print the report; 0 if a worker would start, 1 for a problem of topics, 2 for an error."""
    report = examine(with_topics)
    if as_json:
        indented(report)
    else:
        _print(report)
    if report.errors:
        return 2
    return 1 if report.problems else 0


def examine(with_topics: bool = False) -> Report:
    """Look at everything that can be known before a worker starts."""
    report = Report()
    try:
        settings = load()
    except ConfigError as error:
        report.errors += str(error).splitlines()
        return report
    origins = settings.origins()
    report.environment = {
        variable(name): {"value": value, "origin": origins[name]}
        for name, value in settings.printable().items()
    }
    report.warnings += _warnings(settings)
    loaded = None
    try:
        loaded = configured(settings)
    except ConfigError as error:
        report.errors += str(error).splitlines()
    if loaded is not None:
        report.digest = loaded.digest
        report.detectors = {
            key: {"value": value, "origin": loaded.origins.get(key, "default")}
            for key, value in _flat(as_plain(loaded.config))
        }
    try:
        if settings.tls:
            tls_context(settings)
        if with_topics:
            report.problems += [str(problem) for problem in status.verify(settings)]
            if loaded is not None and not report.problems:
                _look_for_losses(settings, loaded, report)
            _look_at_placement(settings, report)
    except ConfigError as error:
        report.errors += str(error).splitlines()
    except HydrawatchError as error:
        report.problems += str(error).splitlines()
    return report


def _look_at_placement(settings: Settings, report: Report) -> None:
    """Look whether producers put accounts where they belong; what cannot be read is a problem already."""
    if any(settings.requests_topic in problem for problem in report.problems):
        return
    try:
        seen = sample.sample(settings, status.partition_count(settings, settings.requests_topic))
    except HydrawatchError as error:  # may describe topics, and not read them
        report.warnings.append(f"where producers put records was not looked at: {error}")
        return
    report.placement = {
        "looked_at": seen.looked_at,
        "elsewhere": seen.elsewhere,
        "without_key": seen.without_key,
        "other_key": seen.other_key,
    }
    found = seen.problem()
    if found is not None:
        report.problems.append(f"topic {settings.requests_topic}: {found}")


def _look_for_losses(settings: Settings, loaded: Loaded, report: Report) -> None:
    """Say what a worker would find gone of its inputs; by HYDRAWATCH_ON_LOSS that keeps it from starting."""
    for gone in asyncio.run(losses_ahead(settings, loaded)):
        said = f"{gone}; {what_follows(gone, settings.on_loss)}"
        (report.warnings if settings.on_loss == "continue" else report.problems).append(said)


def _warnings(settings: Settings) -> Iterator[str]:
    yield from doubtful(settings)
    if settings.hash_key.get_secret_value() == PUBLIC_HASH_KEY:
        yield (
            "HYDRAWATCH_HASH_KEY is the public default: whoever knows it can craft values that "
            "collide; set 16 characters or more of your own, the same for all workers"
        )
    if settings.sasl_mechanism and not settings.tls:
        yield (
            f"HYDRAWATCH_SASL_MECHANISM = {settings.sasl_mechanism} without HYDRAWATCH_TLS: "
            "credentials and events cross the network in clear"
        )


def _flat(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield path + name, value


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _print(report: Report) -> None:
    out = console()
    for title, values in (
        ("environment", report.environment),
        ("detectors.toml", report.detectors),
    ):
        if not values:
            continue
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for heading in ("name", "value", "from"):
            table.add_column(heading, overflow="fold")
        for name, entry in values.items():
            changed = entry["origin"] != "default"
            given = entry["value"]
            value = "-" if given is None else given if isinstance(given, str) else _json(given)
            table.add_row(
                Text(name),
                Text(shown(value), style="bold" if changed else ""),
                Text(shown(entry["origin"])),
            )
        out.print(table)
        out.print()
    if report.digest:
        out.print(f"digest {report.digest}", soft_wrap=True)
    if report.placement is not None:
        out.print(
            "placement: {elsewhere:,} of {looked_at:,} requests lie elsewhere than murmur2 of account_id "
            "says; {without_key:,} without key, {other_key:,} with another".format(
                **report.placement
            ),
            soft_wrap=True,
        )
    aside = console(stderr=True, soft_wrap=True)
    for text in report.warnings:
        aside.print(f"warning: {shown(text)}", style="yellow")
    for text in report.errors + report.problems:
        aside.print(f"error: {shown(text)}", style="red")
    if not report.errors and not report.problems:
        out.print("no errors")
