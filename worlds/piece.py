"""A piece of a world: one innocent look-alike or one attack, with its parameters and their ranges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from worlds.actors import Actors
from worlds.ground import Ground
from worlds.randomness import Ints

BENIGN, ATTACK = "benign", "attack"


@dataclass(frozen=True)
class Parameter:
    """A number that a piece takes: its default, the allowed range, and what it is (with its unit)."""

    default: float
    low: float
    high: float
    what: str

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers only: if its default is one."""
        return isinstance(self.default, int)


class Values(dict[str, float]):
    """The values chosen for a piece's parameters, by name; all of them are present."""

    def count(self, name: str) -> int:
        """Give a whole number."""
        return int(self[name])


Build = Callable[[Ground, Values], Actors]
# Changes the actors `rows` of its piece's table in place, `now` being the event time in ms.
Adapt = Callable[[Ground, Actors, Ints, int, str], None]


@dataclass(frozen=True)
class Piece:
    """One idea: how its accounts are made, and for one that adapts, what an action changes.

    `code` is the scenario's (B1 to B21 innocent, A1 to A20 attacks), `kind` its name in files.
    """

    kind: str
    code: str
    title: str
    build: Build
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    adapt: Adapt | None = None
    bounds: tuple[str, str] | None = None  # parameters of which the first is at most the second

    @property
    def label(self) -> str:
        """Say whether its accounts are benign or an attack."""
        return ATTACK if self.code.startswith("A") else BENIGN

    def values(self, chosen: Mapping[str, float]) -> Values:
        """Give every parameter: as chosen, or its default."""
        plain = {name: parameter.default for name, parameter in self.parameters.items()}
        return Values({**plain, **chosen})


def accounts(default: int, most: int = 100_000) -> Parameter:
    """The parameter that says how many accounts a piece has."""
    return Parameter(default, 1, most, "accounts")


def starts(default: float) -> Parameter:
    """The parameter that says when a piece begins."""
    return Parameter(default, 0.0, 0.95, "when it begins, as a share of the period")
