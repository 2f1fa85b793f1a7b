"""A mapping bound to keys: from a raw record to the properties of the contract that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from detectors.contract.request_event import PROPERTIES
from streams.intake.compiled import Way, compile_fields
from streams.intake.digesting import KEYED, KINDS, client, network
from streams.intake.expressions import Read
from streams.intake.gate import CHECKS
from streams.intake.mapping import Mapping, Source
from streams.intake.transformations import TRANSFORMATIONS, Transformation, text

if TYPE_CHECKING:
    from hydrawatch.fingerprints import Keys

Record = dict[str, Any]
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

    `event(record, unusable)` gives the properties that a record has, valid by the contract, and adds the
    names of what is not valid. `at_receipt`: a record's time may be that of its receipt.
    """

    def __init__(self, mapping: Mapping, keys: Keys, accounts: tuple[Source, ...]) -> None:
        self._accounts = [_bound(source, keys, "account_id") for source in accounts]
        self.at_receipt = mapping.at_receipt
        self._pass_over = [(reason, when.compiled()) for reason, when in mapping.pass_over]
        self._content = [expression.read for expression in mapping.content]
        self._addresses = [
            (source.expression.read, source.hops) for source in mapping.fields.get(_ADDRESS, ())
        ]
        self.event = compile_fields(
            [
                (
                    name,
                    [_bound(source, keys, name) for source in mapping.fields[name]],
                    CHECKS[name],
                )
                for name in _ORDER
                if name in mapping.fields and name != "account_id"
            ]
        )

    def passed_over(self, record: Record) -> str | None:
        """Why a record is no request of anybody's to a model; None if it is one."""
        for reason, holds in self._pass_over:
            if holds(record):
                return reason
        return None

    def account(self, record: Record) -> str | None:
        """The account's id as events have it; None where a record names nobody."""
        for way in self._accounts:
            name = text(way.read(record))
            if name is not None and name.lower() not in NOBODY:
                made: str | None = way.make(name)
                if made is not None and CHECKS["account_id"](made):
                    return made
        return None

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


def _bound(source: Source, keys: Keys, name: str) -> Way:
    """How a source's value is read, and what is made of it."""
    expression = source.expression
    way = Way(expression.path, expression.read, _transformation(source, keys, name))
    if source.only is not None or source.but:
        way = Way(None, _some(way.read, source.only, source.but), way.make)
    if source.plus is not None:
        way = _joined(way, _bound(source.plus, keys, name), sign=1)
    if source.minus is not None:
        way = _joined(way, _bound(source.minus, keys, name), sign=-1)
    return way


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


def _joined(way: Way, other: Way, sign: int) -> Way:
    """A sum or difference: a sum with what is not known is the first alone, a difference nothing."""

    def both(record: Record) -> Any:
        first = way.read(record)
        return None if first in (None, "", "-") else (first, other.read(record))

    def total(pair: Any) -> Any:
        if pair.__class__ is not tuple:  # "" and "-" are tried on every transformation
            return None
        first = way.make(pair[0])
        second = None if pair[1] is None else other.make(pair[1])
        if first is None or (second is None and sign < 0):
            return None
        if sign > 0:
            return first + max(second or 0, 0)
        return first - second if first >= second else None

    return Way(None, both, total)
