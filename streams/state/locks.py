"""Waiting for a lock, but not for ever, and for a thread, which cannot be stopped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from detectors.errors import HydrawatchError

T = TypeVar("T")


class BusyError(HydrawatchError):
    """Somebody else has held what was waited for, for too long."""


@contextlib.asynccontextmanager
async def held(busy: asyncio.Lock, patience_s: float | None) -> AsyncIterator[None]:
    """Hold a lock. Raises BusyError where somebody else holds it for longer than `patience_s`."""
    try:
        async with asyncio.timeout(patience_s):
            await busy.acquire()
    except TimeoutError:
        raise BusyError from None
    try:
        yield
    finally:
        busy.release()


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What a thread comes to; also who is cancelled waits for it, as it cannot be stopped."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
