"""Settings from the process's environment, or one line for each thing that is wrong with it."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from detectors.errors import ConfigError
from streams.settings.settings import PREFIX, Settings, is_secret, variable
from streams.settings.values import MASK, padded, without_user

# Kubernetes puts HYDRAWATCH_SERVICE_HOST, HYDRAWATCH_PORT_9464_TCP and the like into every pod that
# lives beside a service named hydrawatch: not ours, and no typing error of anybody.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
_OUT_OF_RANGE = frozenset({"greater_than", "greater_than_equal", "less_than_equal"})
_LINK_VALUE = re.compile(r"^(tcp|udp|sctp)://")


def load() -> Settings:
    """Settings from the process's environment.

    Raises ConfigError with one line per problem: variable, value, what is allowed, the mend.
    """
    ours = {name.upper(): value for name, value in os.environ.items() if _is_ours(name)}
    problems = _unknown(ours)
    settings = None
    try:
        settings = Settings()
    except ValidationError as error:
        problems += [_problem(entry) for entry in error.errors(include_url=False)]
    if problems or settings is None:
        raise ConfigError("\n".join(problems))
    settings.given_by_environment(
        frozenset(name for name in Settings.model_fields if ours.get(variable(name)))
    )
    return settings


def doubtful(settings: Settings) -> list[str]:
    """What is allowed and mostly a mistake: a credential copied with what stood around it."""
    return [
        f"{name} {how}: it counts as a part of it; set it again without, unless it is meant"
        for name, value in settings.credentials().items()
        if (how := padded(value))
    ]


def _is_ours(name: str) -> bool:
    return name.upper().startswith(PREFIX)


def _unknown(ours: Mapping[str, str]) -> list[str]:
    known = [variable(name) for name in Settings.model_fields]
    problems = []
    for name in sorted(set(ours) - set(known)):
        if _SERVICE_LINK.search(name) or _LINK_VALUE.match(ours[name]):
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        mend = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        problems.append(f"{name} is no setting of hydrawatch; {mend}")
    return problems


def _problem(entry: Any) -> str:
    reason = str(entry["msg"]).removeprefix("Value error, ")
    if not entry["loc"]:
        return reason
    field = str(entry["loc"][0])
    if entry["type"] in _OUT_OF_RANGE:
        reason = f"it takes a number {_range(field)}"
    given = entry["input"]
    # An address may have come with a password in front.
    shown = MASK if is_secret(field) else repr(without_user(str(given)))
    if isinstance(given, str) and _LINK_VALUE.match(given):
        # A Kubernetes service whose name makes one of our variables.
        reason += "; Kubernetes set it for a service: use enableServiceLinks: false on the pod"
    return f"{variable(field)} = {shown}: {reason[:1].lower()}{reason[1:]}"


def _range(field: str) -> str:
    words = {"ge": "from", "gt": "above", "le": "to"}
    return " ".join(
        f"{word} {getattr(limit, bound):g}"
        for bound, word in words.items()
        for limit in Settings.model_fields[field].metadata
        if hasattr(limit, bound)
    )
