"""Detectors of other packages: what is installed beside hydrawatch and names itself as one.

A package names a detector by an entry point in the group `hydrawatch.detectors`: an object, or a class
that is made without arguments. All workers of a pipeline need the same packages: a detector's thresholds
are in the configuration's digest, and so is its name and version.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution, entry_points
from typing import Any

from detectors.errors import ConfigError
from detectors.interface.detector import Card, Described

GROUP = "hydrawatch.detectors"
OURS = ("detectors", "streams", "worlds")  # import packages that a distribution may lie over


def plugins() -> tuple[Described, ...]:
    """The detectors that installed packages name, in order of their names.

    Raises ConfigError for one that cannot be loaded, and where another distribution lies over ours.
    """
    found = sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value))
    if found:
        _refuse_strangers()
    return tuple(_loaded(point) for point in found)


def _loaded(point: EntryPoint) -> Described:
    package = point.dist.name if point.dist else "a package"
    try:
        made: Any = point.load()
        if isinstance(made, type):
            made = made()
        card = made.card
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{package}: its detector {point.name!r} ({point.value}) cannot be loaded: {error!r}; mend "
            f"that package, or uninstall it"
        ) from error
    if not isinstance(card, Card):
        raise ConfigError(
            f"{package}: {point.value} has no card; a detector has one, see docs/detectors.md"
        )
    return made


def _refuse_strangers() -> None:
    for name in _strangers():
        raise ConfigError(
            f"the package {name!r} is installed here and lies over hydrawatch's own: uninstall it, then "
            "reinstall hydrawatch; hydrawatch wants an environment of its own"
        )


def _strangers() -> Iterator[str]:
    for name in OURS:
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        yield name
