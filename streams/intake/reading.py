"""A mapping bound to keys: from a raw record to the properties of the contract that it has."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from detectors.contract.request_event import PROPERTIES
from streams.intake.digesting import KEYED, KINDS, client, network
from streams.intake.expressions import Read
from streams.intake.gate import CHECKS, Check
from streams.intake.mapping import Mapping, Source
from streams.intake.transformations import TRANSFORMATIONS, Transformation, text

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys

Record = dict[str, Any]
# What gateways write where they know nothing, besides JSON's null.
NOTHING: Final = frozenset({"", "-"})
# Who is nobody, in lower case: all of them together are no account.
NOBODY: Final = frozenset(
    {
        *("", "-", "null", "none", "nil", "undefined", "unknown", "n/a", "(null)", "nan", "false"),
        *("anonymous", "unspecified", "{}", "[]", "[object object]"),
        *("default_user_id", "litellm-internal-health-check"),  # LiteLLM's master key, and itself
    }
)
_ORDER: Final = tuple(p.name for p in PROPERTIES)
_ADDRESS: Final = "ip_prefix_fp"


class Fields:
    """Reads records of one mapping. `accounts`: where the account's id is, the first that names somebody.

    `at_receipt`: a record's time may be that of its receipt.
    """

    def __init__(self, mapping: Mapping, keys: Keys, accounts: tuple[Source, ...]) -> None:
        self._accounts = [_bound(source, keys, "account_id") for source in accounts]
        self.at_receipt = mapping.at_receipt
        self._pass_over = mapping.pass_over
        self._content = [expression.read for expression in mapping.content]
        self._addresses = [
            (source.expression.read, source.hops) for source in mapping.fields.get(_ADDRESS, ())
        ]
        self._fields: list[tuple[str, list[tuple[Read, Transformation]], Check]] = [
            (name, [_bound(source, keys, name) for source in mapping.fields[name]], CHECKS[name])
            for name in _ORDER
            if name in mapping.fields and name != "account_id"
        ]

    def passed_over(self, record: Record) -> str | None:
        """Why a record is no request of anybody's to a model; None if it is one."""
        for reason, holds in self._pass_over:
            if holds(record):
                return reason
        return None

    def account(self, record: Record) -> str | None:
        """The account's id as events have it; None where a record names nobody."""
        for read, make in self._accounts:
            name = text(read(record))
            if name is not None and name.lower() not in NOBODY:
                made: str | None = make(name)
                if made is not None and CHECKS["account_id"](made):
                    return made
        return None

    def event(self, record: Record, unusable: Counter[str]) -> Record:
        """The properties that a record has, valid by the contract; what is not valid is counted by name."""
        event: Record = {}
        for name, sources, valid in self._fields:
            wrong = False
            for read, make in sources:
                raw = read(record)
                if raw is None or (raw.__class__ is str and raw in NOTHING):
                    continue
                value = make(raw)
                if value is not None and valid(value):
                    event[name] = value
                    break
                wrong = True
            else:
                if wrong:
                    unusable[name] += 1
        return event

    def address(self, record: Record) -> str | None:
        """The client's address, to be looked up and forgotten."""
        for read, hops in self._addresses:
            said = text(read(record))
            if said and (address := client(said, hops)) is not None:
                return address
        return None

    def content(self, record: Record) -> Any:
        """The request's text, where a record has it."""
        return next((found for read in self._content if (found := read(record))), None)


def _bound(source: Source, keys: Keys, name: str) -> tuple[Read, Transformation]:
    """How a source's value is read, and what is made of it."""
    read = source.expression.read
    make = _transformation(source, keys, name)
    if source.only is not None or source.but:
        read = _some(read, source.only, source.but)
    if source.plus is not None:
        read, make = _joined(read, make, *_bound(source.plus, keys, name), sign=1)
    if source.minus is not None:
        read, make = _joined(read, make, *_bound(source.minus, keys, name), sign=-1)
    return read, make


def _transformation(source: Source, keys: Keys, name: str) -> Transformation:
    if source.hops:
        return network(keys, source.hops)
    if source.transformation in KEYED:
        return KEYED[source.transformation](keys, KINDS.get(name, name))
    return TRANSFORMATIONS[source.transformation][0]


def _some(read: Read, only: frozenset[Any] | None, but: frozenset[Any]) -> Read:
    def some(record: Record) -> Any:
        value = read(record)
        if value.__class__ not in (str, int, float, bool) or value in but:
            return None
        return value if only is None or value in only else None

    return some


def _joined(
    read: Read, make: Transformation, read_other: Read, make_other: Transformation, sign: int
) -> tuple[Read, Transformation]:
    """A sum or difference: a sum of what is not known is the first alone, a difference nothing."""

    def both(record: Record) -> Any:
        first = read(record)
        return None if first is None or first in NOTHING else (first, read_other(record))

    def total(pair: tuple[Any, Any]) -> Any:
        first, other = make(pair[0]), None if pair[1] is None else make_other(pair[1])
        if first is None or (other is None and sign < 0):
            return None
        if sign > 0:
            return first + max(other or 0, 0)
        return first - other if first >= other else None

    return both, total
