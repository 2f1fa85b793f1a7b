"""The formats that the intake reads: how a body becomes raw records, and how one is mapped."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from streams.intake.bodies import JsonBodies, RawRecord
from streams.intake.mapping import Mapping
from streams.intake.mapping_files import MappingError, load_mapping
from streams.intake.otel_bodies import log_records, span_records

# Formats whose bodies are no JSON of records, with what takes them apart and the mapping they share.
_OTEL: Final = {
    "otel_spans": span_records,
    "otel_spans_proto": span_records,
    "otel_logs": log_records,
}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of gateway record. `accounts`: expressions tried for the account, the first that gives one."""

    name: str
    records: Callable[[bytes], Iterator[RawRecord]]
    mapping: Mapping
    accounts: tuple[str, ...]


def of_mapping(name: str, mapping: Mapping) -> Format:
    """A format whose bodies are JSON."""
    return Format(name, JsonBodies(mapping), mapping, mapping.accounts)


@cache
def shipped(name: str) -> Format:
    """A format that comes with hydrawatch."""
    mapping = load_mapping(Path(str(_FOLDER / f"{_FILES.get(name, name)}.toml")))
    if name in _OTEL:
        return Format(name, _OTEL[name], mapping, mapping.accounts)
    return of_mapping(name, mapping)


class _Shipped(Named[str, Format]):
    """The formats that come with hydrawatch, by name; each is read when it is first asked for."""

    def __getitem__(self, name: str) -> Format:
        if name not in NAMES:
            raise KeyError(name)
        return shipped(name)

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


_FOLDER: Final = files("streams.intake") / "formats"
# What is in another's file: the same records, in other bodies.
_FILES: Final = {"litellm_http": "litellm", **dict.fromkeys(_OTEL, "otel")}
NAMES: Final = (
    *("litellm", "litellm_http", "litellm_spend"),
    *("otel_spans", "otel_spans_proto", "otel_logs"),
    *("envoy", "kong", "apisix", "helicone_webhook", "langfuse", "portkey", "nginx"),
)
SHIPPED: Final[Named[str, Format]] = _Shipped()


def with_files(paths: Iterable[str]) -> Named[str, Format]:
    """The shipped formats and those of mapping files, named by the files: `in_house.toml` is `in_house`.

    Raises MappingError, for a name that is taken too.
    """
    known: dict[str, Format] = {}
    for given in paths:
        path = Path(given)
        if path.stem in SHIPPED or path.stem in known:
            raise MappingError(f"{path}: a format {path.stem} is there already; rename the file")
        known[path.stem] = of_mapping(path.stem, load_mapping(path))
    return ChainMap(known, SHIPPED) if known else SHIPPED  # type: ignore[arg-type]
