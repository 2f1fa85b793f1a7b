"""Decoding of JSON that builds only what a mapping reads: a record is mostly what nobody asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypedDict, cast

import msgspec

from streams.intake.expressions import Expression, Path
from streams.intake.mapping import Mapping

# A name and what is wanted below it; None is all of it.
_Tree = dict[str, "_Tree | None"]


class Shape:
    """Decoders of a body that is one record, or an array of them."""

    def __init__(self, record: Any) -> None:
        self._one: Callable[[bytes], Any] = msgspec.json.Decoder(record).decode
        self._many: Callable[[bytes], Any] = msgspec.json.Decoder(_list_of(record)).decode

    def decode(self, text: bytes) -> Any:
        """Dicts with the members that are read. Raises MsgspecError for other JSON and for none."""
        return self._many(text) if text[:1] == b"[" else self._one(text)


def shape_of(mapping: Mapping, also: Iterable[Expression] = ()) -> Shape | None:
    """The shape of a format's records; None where any member may be read, by the mapping or `also`."""
    tree: _Tree = {}
    for expression in (*mapping.expressions(), *also):
        if expression.paths is None:
            return None
        for path in expression.paths:
            _want(tree, path)
    for path in mapping.json:
        _want(tree, path[:1])
    for name in mapping.pairs:
        for member in (name, f"{name}.key", f"{name}.value"):
            _want(tree, (member,))
    for name in mapping.unwrap:
        if name in tree:
            return None
    record: Any = _typed(tree)
    inner = dict.fromkeys(mapping.unwrap, record | None)
    inner |= {name: _list_of(record) | None for name in mapping.under if name not in tree}
    return Shape(_typed_dict({**record.__annotations__, **inner}) if inner else record)


def _want(tree: _Tree, path: Path) -> None:
    name, *rest = path
    if not rest:
        tree[name] = None
        return
    below = tree.setdefault(name, {})
    if below is not None:
        _want(below, tuple(rest))


def _typed(tree: _Tree) -> Any:
    return _typed_dict(
        {name: Any if below is None else _typed(below) | None for name, below in tree.items()}
    )


def _list_of(record: Any) -> Any:
    return list.__class_getitem__(record)


def _typed_dict(members: dict[str, Any]) -> Any:
    return cast("Any", TypedDict)("Record", members, total=False)
