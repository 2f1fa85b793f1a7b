"""Estimators of River as plain data, and back, without pickle: kept state comes from a topic.

`to_plain` writes an object as its class and its state; `from_plain` makes objects of River's classes and
of a few containers, and of nothing else, and calls nothing but their constructors.
"""

from __future__ import annotations

import functools
import importlib
from collections import Counter, OrderedDict, defaultdict, deque
from random import Random
from types import MethodType
from typing import Any

import numpy as np

from detectors.errors import ContractError

_CONTAINERS: dict[str, Any] = {
    c.__name__: c for c in (deque, Counter, OrderedDict, defaultdict, set, frozenset)
}
_FACTORIES: dict[str, Any] = {
    c.__name__: c for c in (int, float, list, dict, tuple, set)
}  # of a defaultdict
_DEEPEST = 60
_PLAIN = frozenset((bool, int, float, str, bytes, type(None)))


def to_plain(value: Any) -> Any:
    """Numbers, strings, bytes, lists, containers, arrays and River's objects as plain data.

    Raises ContractError for anything else: a function, or an estimator that holds one.
    """
    return _Writer().write(value, None, 0)


def from_plain(plain: Any) -> Any:
    """What `to_plain` wrote. Raises ContractError for what it cannot have written."""
    try:
        return _Reader().read(plain, None, 0)
    except ContractError:
        raise
    except Exception as error:
        raise ContractError(f"not the state of an estimator: {error!r}") from error


class _Writer:
    """Numbers the objects it meets, so that one which stands in two places stays one."""

    def __init__(self) -> None:
        self._met: dict[int, int] = {}
        self._alive: list[Any] = []  # or another could come to have its id

    def write(self, value: Any, owner: Any, depth: int) -> Any:
        """`owner` is the object whose state is being written."""
        if depth > _DEEPEST:
            raise ContractError("nested too deep to be kept as plain data")
        if type(value) in _PLAIN:
            return value
        if isinstance(value, np.generic):
            return value.item()
        if type(value) is list:
            return [self.write(v, owner, depth + 1) for v in value]
        if type(value) is tuple:
            return {"tuple": [self.write(v, owner, depth + 1) for v in value]}
        if type(value) is dict:
            return {"dict": self._pairs(value, owner, depth)}
        if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
            return {"array": [value.dtype.str, list(value.shape), value.tobytes()]}
        if isinstance(value, MethodType) and value.__self__ is owner:
            return {"method": value.__name__}
        if _CONTAINERS.get(type(value).__name__) is type(value):
            return {"holds": self._container(value, owner, depth)}
        if id(value) in self._met:
            return {"same": self._met[id(value)]}
        self._met[id(value)] = len(self._met)
        self._alive.append(value)
        if type(value) is Random:
            return {"random": self.write(value.getstate(), None, depth + 1)}
        return {"river": self._object(value, depth + 1)}

    def _pairs(self, value: dict[Any, Any], owner: Any, depth: int) -> list[Any]:
        return [
            [
                key if type(key) in _PLAIN else self.write(key, owner, depth + 1),
                one if type(one) in _PLAIN else self.write(one, owner, depth + 1),
            ]
            for key, one in value.items()
        ]

    def _container(self, value: Any, owner: Any, depth: int) -> list[Any]:
        items = value.items() if isinstance(value, dict) else value
        more: Any = value.maxlen if isinstance(value, deque) else None
        if isinstance(value, defaultdict):
            factory: Any = value.default_factory
            arguments: tuple[Any, ...] = ()
            if isinstance(factory, functools.partial) and not factory.keywords:
                factory, arguments = factory.func, factory.args
            name = getattr(factory, "__name__", "")
            if _FACTORIES.get(name) is not factory:
                raise ContractError("a defaultdict with a function of its own is no plain data")
            more = [name, self.write(list(arguments), owner, depth + 1)]
        return [type(value).__name__, [self.write(i, owner, depth + 1) for i in items], more]

    def _object(self, value: Any, depth: int) -> list[Any]:
        name = f"{type(value).__module__}:{type(value).__qualname__}"
        if not name.startswith("river."):
            raise ContractError(f"{name} cannot be kept as plain data")
        made, arguments, state, items, pairs = (*value.__reduce_ex__(2), None, None, None, None)[:5]
        called = made is type(value)  # else it is made without its constructor
        if (not called and made.__name__ != "__newobj__") or pairs is not None:
            raise ContractError(f"{name} keeps its state in a way of its own")
        return [
            name,
            called,
            [self.write(a, value, depth) for a in arguments[0 if called else 1 :]],
            self.write(state, value, depth),
            [self.write(item, value, depth) for item in items or ()],
        ]


class _Reader:
    def __init__(self) -> None:
        self._met: list[Any] = []

    def read(self, plain: Any, owner: Any, depth: int) -> Any:
        """`owner` is the object whose state is being read."""
        if depth > 2 * _DEEPEST:
            raise ContractError("nested too deep for the state of an estimator")
        if type(plain) in _PLAIN:
            return plain
        if isinstance(plain, (list, tuple)):
            return [self.read(p, owner, depth + 1) for p in plain]
        ((what, given),) = plain.items()
        if what == "tuple":
            return tuple(self.read(p, owner, depth + 1) for p in given)
        if what == "dict":
            return self._pairs(given, owner, depth + 1)
        if what == "array":
            dtype, shape, raw = given
            return np.frombuffer(raw, np.dtype(str(dtype))).reshape(shape).copy()
        if what == "method" and owner is not None and not str(given).startswith("__"):
            return getattr(owner, str(given))
        if what == "holds":
            return self._container(given, owner, depth + 1)
        if what == "same":
            return self._met[given]
        if what == "random":
            self._met.append(Random())
            self._met[-1].setstate(self.read(given, None, depth + 1))
            return self._met[-1]
        if what == "river":
            return self._object(given, depth + 1)
        raise ContractError(f"{what!r} is nothing that an estimator holds")

    def _pairs(self, given: Any, owner: Any, depth: int) -> dict[Any, Any]:
        return {self.read(k, owner, depth): self.read(v, owner, depth) for k, v in given}

    def _container(self, given: Any, owner: Any, depth: int) -> Any:
        name, held, more = given
        items = [self.read(item, owner, depth) for item in held]
        kind = _CONTAINERS[name]
        if kind is deque:
            return deque(items, more)
        if kind is defaultdict:
            arguments = [self.read(a, owner, depth) for a in more[1]]
            return defaultdict(functools.partial(_FACTORIES[more[0]], *arguments), dict(items))
        made: Any = kind
        return made(dict(items)) if issubclass(kind, dict) else made(items)

    def _object(self, given: Any, depth: int) -> Any:
        name, called, arguments, state, items = given
        module, _, path = str(name).partition(":")
        if not module.startswith("river."):
            raise ContractError(f"{name!r} is none of River's classes")
        kind: Any = importlib.import_module(module)
        for part in path.split("."):
            kind = getattr(kind, part)
        if not isinstance(kind, type) or not kind.__module__.startswith("river."):
            raise ContractError(f"{name!r} is none of River's classes")
        place = len(self._met)
        self._met.append(None)
        own = [self.read(a, None, depth) for a in arguments]
        made: Any = kind(*own) if called else kind.__new__(kind, *own)
        self._met[place] = made
        if isinstance(state, dict) and "dict" in state:
            for key, value in state["dict"]:
                made.__dict__[str(key)] = self.read(value, made, depth)
        elif state is not None:
            made.__setstate__(self.read(state, made, depth))
        if items:
            made.extend(self.read(item, made, depth) for item in items)
        return made
