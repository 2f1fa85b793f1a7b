"""A mapping file: for each property of the contract, where a gateway's record has it and what is made of it.

    event_id = "id"
    event_time = { value = "start", as = "iso_time", plus = { value = "took_ms", as = "milliseconds" } }
    account_id = ["user.id", "key.owner"]              # the first that names somebody
    model = { value = "model", except = ["unknown"] }

A value is a JMESPath expression. docs/gateways.md says what else a file may have.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from collections.abc import Mapping as Named
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NoReturn

from detectors.contract import request_event as contract
from detectors.errors import ConfigError
from streams.intake.digesting import KEYED, KINDS
from streams.intake.expressions import Expression, compile_expression
from streams.intake.mapping import Condition, Mapping, Source
from streams.intake.transformations import FLAG, NUMBER, TEXT, TRANSFORMATIONS

REQUIRED: Final = ("account_id", "event_time", "model")  # an id is made where there is none
_TABLES: Final = ("records", "pass_over", "content")
_RECORDS: Final = ("under", "unwrap", "json", "pairs", "at_receipt")
_SOURCE: Final = ("value", "as", "plus", "minus", "only", "except", "hops")
_CONDITION: Final = ("value", "in", "matches", "present")
CACHED: Final = 1024
_REASON = re.compile(r"[a-z][a-z_]{1,39}").fullmatch
_NO_SOURCE: Final = frozenset({"schema_version", "id_epoch", "ingest_time"})  # the intake's own
# What a property's value is made with if the file does not say.
_OF_PROPERTY: Final = {
    **dict.fromkeys(("account_id", "org_id", "api_key_id", "session_id", "tls_fp"), "hmac"),
    **{name: "fingerprint" for name in KINDS if name.endswith("_fp") and name != "tls_fp"},
    **{"event_time": "time", "account_created_at": "time", "status": "status"},
    **{"tool_count": "count", "error_class": "error_class", "ip_prefix_fp": "ip_prefix"},
    **{"client_fp": "ua_family", "event_id": "request_id", "model": "model_name"},
}
_OF_KIND: Final = {
    contract.WHOLE: "int",
    contract.SHORT: "int",
    contract.REAL: "number",
    contract.MONEY: "number",
    contract.FLAG: "bool",
}


class MappingError(ConfigError):
    """A mapping file cannot be used; the message names it, the key, its value and the mend."""


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file. Raises MappingError."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise MappingError(f"{path}: {error.strerror}; give a readable mapping file") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MappingError(f"{path}: is no TOML: {error}") from error
    return mapping_of(table, str(path))


def mapping_of(table: Named[str, Any], name: str = "mapping") -> Mapping:
    """Compile a table as TOML gives it. Raises MappingError."""
    return _Reader(name).mapping(table)


def account_sources(expression: str) -> tuple[Source, ...]:
    """The account by an expression that a user gives as an option. Raises MappingError."""
    return _Reader("--account").sources("account_id", expression)


class _Reader:
    """Reads one file's table; every complaint names the file and the key."""

    def __init__(self, name: str) -> None:
        self._name = name

    def mapping(self, table: Named[str, Any]) -> Mapping:
        properties = [p.name for p in contract.PROPERTIES if p.name not in _NO_SOURCE]
        fields = {}
        for key, value in table.items():
            if key in _TABLES:
                continue
            if key not in properties:
                self._unknown(key, key, [*properties, *_TABLES], "property of the contract")
            fields[key] = self.sources(key, value)
        records = self._table(table, "records", _RECORDS)
        at_receipt = records.get("at_receipt", False)
        if not isinstance(at_receipt, bool):
            self._refuse("records.at_receipt", at_receipt, "is neither true nor false")
        for key in REQUIRED:
            if key not in fields and not (key == "event_time" and at_receipt):
                self._refuse(key, None, "is missing: no event is without it; give an expression")
        return Mapping(
            name=self._name,
            fields=fields,
            pass_over=tuple(self._conditions(table)),
            under=self._names("records.under", records.get("under", [])),
            unwrap=self._names("records.unwrap", records.get("unwrap", [])),
            json=tuple(
                tuple(path.split("."))
                for path in self._names("records.json", records.get("json", []))
            ),
            pairs=self._names("records.pairs", records.get("pairs", [])),
            at_receipt=at_receipt,
            content=tuple(
                self._expression("content.messages", text)
                for text in self._names(
                    "content.messages",
                    self._table(table, "content", ("messages",)).get("messages", []),
                )
            ),
        )

    def sources(self, key: str, value: Any) -> tuple[Source, ...]:
        several = value if isinstance(value, list) else [value]
        if not several:
            self._refuse(key, value, "is an empty list; give an expression, or leave it out")
        return tuple(self._source(key, entry, key) for entry in several)

    def _source(self, key: str, entry: Any, name: str) -> Source:
        if isinstance(entry, str):
            entry = {"value": entry}
        if not isinstance(entry, dict):
            self._refuse(
                key, entry, 'is neither "expression" nor { value = "expression", as = "..." }'
            )
        for given in entry:
            if given not in _SOURCE:
                self._unknown(f"{key}.{given}", given, _SOURCE, "part of a source")
        if not isinstance(entry.get("value"), str):
            self._refuse(f"{key}.value", entry.get("value"), "is no expression; give one as text")
        only, but = (self._values(f"{key}.{part}", entry.get(part)) for part in ("only", "except"))
        hops = entry.get("hops", 0)
        if hops.__class__ is not int or not 0 <= hops <= 16:
            self._refuse(f"{key}.hops", hops, "is no number of own proxies from 0 to 16")
        plus, minus = (
            self._source(f"{key}.{part}", entry[part], name) if part in entry else None
            for part in ("plus", "minus")
        )
        return Source(
            self._expression(key, entry["value"]),
            self._transformation(key, entry.get("as"), name),
            plus=plus,
            minus=minus,
            only=only,
            but=but or frozenset(),
            hops=hops,
        )

    def _transformation(self, key: str, given: Any, name: str) -> str:
        p = contract.PROPERTIES[contract.INDEX[name]]
        if given is None:
            return _OF_PROPERTY.get(name) or _OF_KIND.get(p.kind, "text")
        known = [*TRANSFORMATIONS, *KEYED]
        if given not in known:
            self._unknown(f"{key}.as", given, known, "transformation")
        wants = (
            NUMBER
            if p.kind in (contract.WHOLE, contract.SHORT, contract.REAL, contract.MONEY)
            else (FLAG if p.kind == contract.FLAG else TEXT)
        )
        gives = TRANSFORMATIONS[given][1] if given in TRANSFORMATIONS else TEXT
        if gives != wants:
            fitting = [
                n
                for n in known
                if (TRANSFORMATIONS[n][1] if n in TRANSFORMATIONS else TEXT) == wants
            ]
            self._refuse(
                f"{key}.as",
                given,
                f"gives {gives}, and {name} is {wants}; give one of {', '.join(fitting)}",
            )
        return str(given)

    def _conditions(self, table: Named[str, Any]) -> Iterator[tuple[str, Condition]]:
        reasons = table.get("pass_over", {})
        if not isinstance(reasons, dict):
            self._refuse("pass_over", reasons, "is no table of reasons and conditions")
        for reason, value in reasons.items():
            key = f"pass_over.{reason}"
            if not _REASON(reason):
                self._refuse(key, value, "is no reason: name it in 2 to 40 letters a to z and _")
            for entry in value if isinstance(value, list) else [value]:
                yield reason, self._condition(key, entry)

    def _condition(self, key: str, entry: Any) -> Condition:
        if isinstance(entry, str):
            return Condition(self._expression(key, entry))
        if not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
            self._refuse(
                key, entry, 'is neither "expression" nor { value = "expression", in = [...] }'
            )
        for given in entry:
            if given not in _CONDITION:
                self._unknown(f"{key}.{given}", given, _CONDITION, "part of a condition")
        matches, present = entry.get("matches"), entry.get("present")
        try:
            # The same few values come again and again.
            search = None if matches is None else lru_cache(CACHED)(re.compile(matches).search)
        except (re.error, TypeError) as error:
            self._refuse(f"{key}.matches", matches, f"is no regular expression: {error}")
        if present not in (None, True, False):
            self._refuse(f"{key}.present", present, "is neither true nor false")
        return Condition(
            self._expression(key, entry["value"]),
            self._values(f"{key}.in", entry.get("in")),
            search,
            present,
        )

    def _expression(self, key: str, text: str) -> Expression:
        try:
            return compile_expression(text)
        except ValueError as error:
            self._refuse(key, text, f"is no JMESPath expression: {error}")

    def _table(self, table: Named[str, Any], name: str, known: tuple[str, ...]) -> dict[str, Any]:
        given = table.get(name, {})
        if not isinstance(given, dict):
            self._refuse(name, given, "is no table")
        for key in given:
            if key not in known:
                self._unknown(f"{name}.{key}", key, known, f"key of [{name}]")
        return dict(given)

    def _names(self, key: str, value: Any) -> tuple[str, ...]:
        several = [value] if isinstance(value, str) else value
        if not isinstance(several, list) or not all(isinstance(n, str) and n for n in several):
            self._refuse(key, value, "is no list of names")
        return tuple(several)

    def _values(self, key: str, value: Any) -> frozenset[Any] | None:
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, (str, int, bool)) for v in value):
            self._refuse(key, value, "is no list of texts and whole numbers")
        return frozenset(value)

    def _unknown(self, key: str, given: Any, known: Any, what: str) -> NoReturn:
        near = difflib.get_close_matches(str(given), list(known), n=1, cutoff=0.6)
        mend = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        self._refuse(key, given, f"is no {what}; {mend}")

    def _refuse(self, key: str, value: Any, what: str) -> NoReturn:
        shown = "" if value is None else f" = {value!r}"
        raise MappingError(f"{self._name}: {key}{shown} {what}")
