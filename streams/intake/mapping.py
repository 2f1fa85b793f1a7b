"""A mapping, compiled: for each property of the contract, where a record has it and what is made of it.

How a file says so: streams/intake/mapping_files.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Named
from dataclasses import dataclass
from typing import Any

from streams.intake.expressions import Expression


@dataclass(frozen=True, slots=True)
class Source:
    """One way to a property's value: an expression, a transformation by name, and what limits it.

    `plus` and `minus` are added and taken away after both are transformed. `only`: values that count, all
    others are none; `but`: values that mean nothing here.
    """

    expression: Expression
    transformation: str
    plus: Source | None = None
    minus: Source | None = None
    only: frozenset[Any] | None = None
    but: frozenset[Any] = frozenset()
    hops: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A question to a record: whether an expression's value is listed, matches, is there, or is true."""

    expression: Expression
    listed: frozenset[Any] | None = None
    matches: Callable[[str], object] | None = None
    present: bool | None = None

    def compiled(self) -> Callable[[dict[str, Any]], bool]:
        """Whether it holds, as a function of a record."""
        read, listed, matches, present = (
            self.expression.read,
            self.listed,
            self.matches,
            self.present,
        )
        if present is not None:
            return lambda record: (read(record) not in (None, "", "-", {}, [])) is present
        if listed is not None:
            # A list or an object is no value to look for, and cannot be looked for.
            return lambda record: (
                (value := read(record)).__class__ in (str, int, bool) and value in listed
            )
        if matches is not None:
            return lambda record: (
                (value := read(record)).__class__ is str and matches(value) is not None
            )
        return lambda record: read(record) not in (None, False, "", [], {})


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping, compiled. `pass_over`: reasons for which a record makes no event, and when they hold.

    `under`: members of a body that may hold its records; `unwrap`: members that may hold the record itself;
    `json`: dotted paths that may hold JSON as text; `pairs`: those that may hold names and values apart.
    `content`: where the request's text may be. `at_receipt`: a record without a time has that of its receipt.
    """

    name: str
    fields: Named[str, tuple[Source, ...]]
    pass_over: tuple[tuple[str, Condition], ...] = ()
    under: tuple[str, ...] = ()
    unwrap: tuple[str, ...] = ()
    json: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[str, ...] = ()
    content: tuple[Expression, ...] = ()
    at_receipt: bool = False

    @property
    def accounts(self) -> tuple[str, ...]:
        """The expressions tried for the account, in order."""
        return tuple(source.expression.text for source in self.fields["account_id"])

    def expressions(self) -> Iterator[Expression]:
        """All that is read of a record."""
        for sources in self.fields.values():
            for source in sources:
                yield source.expression
                yield from (s.expression for s in (source.plus, source.minus) if s is not None)
        yield from (condition.expression for _, condition in self.pass_over)
        yield from self.content
