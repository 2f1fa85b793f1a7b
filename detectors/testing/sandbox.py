"""A world that refuses: clock, chance, environment and files raise while a detector is checked."""

from __future__ import annotations

import builtins
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class ForbiddenError(BaseException):
    """A detector reached for the world; not an Exception, so that none swallows it by accident."""


@contextmanager
def world_forbidden() -> Iterator[None]:
    """Clock, chance, environment and files raise while this lasts."""

    def forbid(name: str) -> Callable[..., Any]:
        def refuse(*_args: Any, **_options: Any) -> Any:
            raise ForbiddenError(name)

        return refuse

    clocks = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep")
    chances = ("random", "uniform", "randint", "choice", "getrandbits", "gauss", "shuffle")
    places: list[tuple[Any, str]] = [(time, n) for n in clocks]
    places += [(random, n) for n in chances]
    places += [(os, "getenv"), (os, "urandom"), (builtins, "open")]
    places += [(type(os.environ), n) for n in ("__getitem__", "get")]
    saved = [(place, name, getattr(place, name)) for place, name in places]
    inherited = {(p, n) for p, n in places if isinstance(p, type) and n not in vars(p)}
    try:
        for place, name in places:
            setattr(place, name, forbid(f"{getattr(place, '__name__', place)}.{name}"))
        yield
    finally:
        for place, name, original in saved:
            if (place, name) in inherited:
                delattr(place, name)
            else:
                setattr(place, name, original)
