"""`detectors.toml`: what is odd. Reads it strictly, explains each value's origin, and digests the whole.

Sections are the frozen dataclasses that use the values, so a threshold has one home. An unknown
key is an error that names the nearest right one. The digest goes into every alert's trace.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any, TypeVar

import orjson

from detectors.alerts.lifecycle import Lifecycle
from detectors.campaigns.fusion import Fusion
from detectors.engine_config import BudgetConfig, EngineConfig
from detectors.errors import ConfigError
from detectors.interface.detector import Described
from detectors.judging.admission import admitted
from detectors.registry import BUILT_IN

VERSION = "0.1.0"


D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what is odd; `sections` names its parts as `detectors.toml` does."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    budgets: BudgetConfig = field(default_factory=BudgetConfig)
    detectors: tuple[Described, ...] = BUILT_IN
    fusion: Fusion = field(default_factory=Fusion)
    alerts: Lifecycle = field(default_factory=Lifecycle)

    def of(self, kind: type[D]) -> D:
        """The detector of a class, as configured."""
        (found,) = (d for d in self.detectors if isinstance(d, kind))
        return found

    def sections(self) -> dict[str, Any]:
        """The parts by section, in the order of the file."""
        return {
            "engine": self.engine,
            "budgets": self.budgets,
            **{detector.card.section: detector for detector in self.detectors},
            "fusion": self.fusion,
            "alerts": self.alerts,
        }


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration with where each value came from ("default" or the file) and its digest."""

    config: Config
    origins: Mapping[str, str]
    digest: str


def load_config(
    text: str | None = None,
    source: str = "detectors.toml",
    plugins: Iterable[Described] = (),
) -> Loaded:
    """Merge a file's text over the defaults; `plugins` are detectors of other packages.

    Raises ConfigError for TOML that cannot be read, an unknown section or key, a wrong type or a
    value out of its range; the message names file, key, value and range. Also for a detector that
    cannot run.
    """
    try:
        given = tomllib.loads(text) if text else {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not TOML: {error}") from error
    origins: dict[str, str] = {}
    standard = Config(detectors=admitted((*BUILT_IN, *plugins)))
    config = _merged(standard, given, source, origins)
    admitted(config.detectors)  # once more: what a card says may follow from thresholds
    _agree(config, source)
    return Loaded(config=config, origins=origins, digest=digest_of(config))


def digest_of(config: Config, hash_key: bytes = b"") -> str:
    """Digest of every value that can change an alert: the fingerprints' key and plug-ins among them."""
    plain: dict[str, Any] = as_plain(config)
    ours = {type(detector) for detector in BUILT_IN}
    if others := [d.card.tag for d in config.detectors if type(d) not in ours]:
        plain["plugins"] = others
    canonical = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
    return "sha256:" + hashlib.sha256(canonical + hash_key).hexdigest()[:16]


def on_trial(config: Config) -> frozenset[str]:
    """Names of the detectors whose section says `shadow = true`: live alerts do not hear them."""
    return frozenset(d.card.name for d in config.detectors if getattr(d, "shadow", False))


def as_plain(config: Config) -> dict[str, dict[str, Any]]:
    """A configuration as plain dicts, the way `detectors.toml` would write it."""
    return {name: plain_section(section) for name, section in config.sections().items()}


def plain_section(section: Any) -> dict[str, Any]:
    """One section's keys and values."""
    return {f.name: getattr(section, f.name) for f in fields(section) if f.init}


def _merged(
    standard: Config, given: Mapping[str, Any], source: str, origins: dict[str, str]
) -> Config:
    sections = standard.sections()
    _refuse_unknown(given, sections, "", source)
    for name, section in sections.items():
        mine = given.get(name, {})
        if not isinstance(mine, Mapping):
            raise ConfigError(f"{source}: '{name}' is a section: write [{name}]")
        sections[name] = _section(section, mine, name, source, origins)
    return Config(
        engine=sections["engine"],
        budgets=sections["budgets"],
        detectors=tuple(sections[d.card.section] for d in standard.detectors),
        fusion=sections["fusion"],
        alerts=sections["alerts"],
    )


def _section(
    standard: D, given: Mapping[str, Any], path: str, source: str, origins: dict[str, str]
) -> D:
    """A section with the given values over its own."""
    declared = {f.name: f for f in fields(standard) if f.init}  # type: ignore[arg-type]
    _refuse_unknown(given, declared, f"{path}.", source)
    changed = {}
    for name, one in declared.items():
        key = f"{path}.{name}"
        origins[key] = source if name in given else "default"
        if name in given:
            value = getattr(standard, name)
            changed[name] = _checked(given[name], value, one.metadata, key, source)
    try:
        return replace(standard, **changed)  # type: ignore[type-var]
    except Exception as error:  # a plug-in may have a word of its own on its thresholds
        raise ConfigError(f"{source}: [{path}] is refused: {error}") from error


def _refuse_unknown(
    given: Mapping[str, Any], known: Mapping[str, Any], path: str, source: str
) -> None:
    for name in given:
        if name not in known:
            (close,) = get_close_matches(name, known, n=1, cutoff=0.0)
            raise ConfigError(
                f"{source}: unknown key '{path}{name}'; did you mean '{path}{close}'?"
            )


def _agree(config: Config, source: str) -> None:
    """Values that are right each may contradict each other: a section's `IN_ORDER` says which."""
    for section, values in config.sections().items():
        for lower, upper in getattr(values, "IN_ORDER", ()):
            low, high = getattr(values, lower), getattr(values, upper)
            if low > high:
                raise ConfigError(
                    f"{source}: '{section}.{lower}' = {low:g} is above '{section}.{upper}' = {high:g}; "
                    f"set '{section}.{lower}' to {high:g} or less, or raise the other"
                )


def _checked(value: Any, standard: Any, about: Mapping[str, Any], key: str, source: str) -> Any:
    low, high = about["low"], about["high"]
    kind = type(standard)
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"{source}: '{key}' is {value!r}; it takes true or false")
        return value
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    if right and kind is int and not isinstance(value, int):
        right = False
    if not right or not low <= value <= high:
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"{source}: '{key}' is {value!r}; it takes {what} from {low} to {high}")
    return kind(value)
