"""A mapping file: contract property = expression, transformation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jmespath


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, ready to be used on records."""

    fields: dict[str, Any]

    @staticmethod
    def of(table: dict[str, Any]) -> Mapping:
        """From a TOML table."""
        return Mapping({name: jmespath.compile(text) for name, text in table.items()})
