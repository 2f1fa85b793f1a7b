"""`hydrawatch check`: the merged configuration, where each value came from, and what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from detectors.config import as_plain
from detectors.errors import ConfigError, HydrawatchError
from streams.kafka.connection import tls_context
from streams.settings.detectors_toml import configured
from streams.settings.environment import load
from streams.settings.settings import PUBLIC_HASH_KEY, Settings, variable
from streams.topics import status


@dataclass(slots=True)
class Report:
    """What was found: values with origins, and errors (mistakes to mend) and warnings."""

    environment: dict[str, dict[str, Any]] = field(default_factory=dict)
    detectors: dict[str, dict[str, Any]] = field(default_factory=dict)
    digest: str | None = None
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # of the topics


def run(with_topics: bool, as_json: bool) -> int:
    """Print the report; 0 if a worker would start, 1 for a problem of topics, 2 for an error."""
    report = examine(with_topics)
    if as_json:
        sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2).decode() + "\n")
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
    except ConfigError as error:
        report.errors += str(error).splitlines()
    except HydrawatchError as error:
        report.problems += str(error).splitlines()
    return report


def _warnings(settings: Settings) -> Iterator[str]:
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
    console = Console(highlight=False)
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
                Text(name), Text(value, style="bold" if changed else ""), Text(entry["origin"])
            )
        console.print(table)
        console.print()
    if report.digest:
        console.print(f"digest {report.digest}", soft_wrap=True)
    aside = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for text in report.warnings:
        aside.print(f"warning: {text}", style="yellow")
    for text in report.errors + report.problems:
        aside.print(f"error: {text}", style="red")
    if not report.errors and not report.problems:
        console.print("no errors")
