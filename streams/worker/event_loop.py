"""The event loop that a worker's threads run: uvloop, which closes TLS connections in time."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop

# A connection that is closed with a fetch under way does not see the broker's side of the good-bye,
# and waits for it: half a minute by default, for every state that is read back and at every stop.
TLS_GOODBYE_S = 0.5


class Loop(uvloop.Loop):
    """uvloop's loop, patient for half a second with whoever does not say good-bye."""

    async def create_connection(self, *given: Any, **options: Any) -> Any:
        """As usual."""
        if options.get("ssl"):
            options.setdefault("ssl_shutdown_timeout", TLS_GOODBYE_S)
        return await super().create_connection(*given, **options)


class _Policy(uvloop.EventLoopPolicy):
    def _loop_factory(self) -> Loop:
        return Loop()


def use_everywhere() -> None:
    """Have all event loops of this process, in whatever thread, be such ones."""
    asyncio.set_event_loop_policy(_Policy())
