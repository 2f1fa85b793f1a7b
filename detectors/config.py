"""`detectors.toml`: what is odd. Reads it strictly, explains each value's origin, and digests the whole.

Sections are the frozen dataclasses that use the values, so a threshold has one home. An unknown
key is an error that names the nearest right one. The digest goes into every alert's trace.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from difflib import get_close_matches
from typing import Any

import orjson

from detectors.alerts.lifecycle import Lifecycle
from detectors.births import KeyBirths
from detectors.campaigns.fusion import Fusion
from detectors.engine_config import BudgetConfig, EngineConfig
from detectors.errors import ConfigError
from detectors.volume import AccountVolume

VERSION = "0.1.0"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that decides what is odd; one attribute per section of `detectors.toml`."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    budgets: BudgetConfig = field(default_factory=BudgetConfig)
    volume: AccountVolume = field(default_factory=AccountVolume)
    births: KeyBirths = field(default_factory=KeyBirths)
    fusion: Fusion = field(default_factory=Fusion)
    alerts: Lifecycle = field(default_factory=Lifecycle)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration with where each value came from ("default" or the file) and its digest."""

    config: Config
    origins: Mapping[str, str]
    digest: str


def load_config(text: str | None = None, source: str = "detectors.toml") -> Loaded:
    """Merge a file's text over the defaults.

    Raises ConfigError for TOML that cannot be read, an unknown section or key, a wrong type or a
    value out of its range; the message names file, key, value and range.
    """
    try:
        given = tomllib.loads(text) if text else {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not TOML: {error}") from error
    origins: dict[str, str] = {}
    config = _merge(Config, given, "", source, origins)
    _agree(config, source)
    return Loaded(config=config, origins=origins, digest=digest_of(config))


def digest_of(config: Config, hash_key: bytes = b"") -> str:
    """Digest of every value that can change an alert, the fingerprints' key among them."""
    canonical = orjson.dumps(as_plain(config), option=orjson.OPT_SORT_KEYS)
    return "sha256:" + hashlib.sha256(canonical + hash_key).hexdigest()[:16]


def on_trial(config: Config) -> frozenset[str]:
    """Names of the detectors whose section says `shadow = true`: live alerts do not hear them."""
    sections = (getattr(config, f.name) for f in fields(config))
    return frozenset(s.card.name for s in sections if getattr(s, "shadow", False))


def as_plain(section: Any) -> Any:
    """A configuration as plain dicts, the way `detectors.toml` would write it."""
    if is_dataclass(section):
        return {f.name: as_plain(getattr(section, f.name)) for f in fields(section) if f.init}
    return section


def _merge(
    shape: type[Any], given: Mapping[str, Any], path: str, source: str, origins: dict[str, str]
) -> Any:
    known = {f.name: f for f in fields(shape) if f.init}
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.0)
            raise ConfigError(
                f"{source}: unknown key '{path}{name}'; did you mean '{path}{close[0]}'?"
            )
    values: dict[str, Any] = {}
    default = shape()
    for name, declared in known.items():
        standard = getattr(default, name)
        if is_dataclass(standard):
            section = given.get(name, {})
            if not isinstance(section, Mapping):
                raise ConfigError(f"{source}: '{path}{name}' is a section: write [{path}{name}]")
            values[name] = _merge(type(standard), section, f"{path}{name}.", source, origins)
        elif name in given:
            values[name] = _checked(given[name], standard, declared.metadata, path + name, source)
            origins[path + name] = source
        else:
            values[name] = standard
            origins[path + name] = "default"
    return shape(**values)


# Of each pair the first may not be above the second.
_IN_ORDER = (
    ("alerts.close_nats", "alerts.open_nats"),
    ("fusion.throttle_nats", "fusion.verify_nats"),
    ("fusion.verify_nats", "fusion.restrict_nats"),
    ("fusion.restrict_nats", "fusion.suspend_nats"),
    ("fusion.restrict_size", "fusion.suspend_size"),
    ("volume.min_requests", "volume.newcomer_requests"),
)


def _agree(config: Config, source: str) -> None:
    """Values that are right each may contradict each other."""
    for lower, upper in _IN_ORDER:
        low, high = (_value(config, name) for name in (lower, upper))
        if low > high:
            raise ConfigError(
                f"{source}: '{lower}' = {low:g} is above '{upper}' = {high:g}; "
                f"set '{lower}' to {high:g} or less, or raise the other"
            )


def _value(config: Config, name: str) -> float:
    section, key = name.split(".")
    return float(getattr(getattr(config, section), key))


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
