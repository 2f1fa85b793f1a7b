"""What a stage is to whoever feeds, keeps, watches and ends it: one partition's part of the engine.

There are three, in `streams.stages`: accounts, networks of shared values, and the owner of campaigns.
What only one of them can do (idle marks, erasures) is asked of that one by its own type.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any, NamedTuple, Protocol

from detectors.exchange.loss import Loss
from detectors.judging.isolation import Isolation
from detectors.state.checkpoint import Checkpoint, Restoration
from streams.bulk.chunks import Chunk

Sent = list[Awaitable[Any]]  # what was said, until the broker has it


class Kept(NamedTuple):
    """What was read back: where to go on in which input, and what the stage keeps around its part."""

    next_offset: int
    around: bytes
    input_id: str = ""


class Part(Protocol):
    """What of the engine a stage runs: accounts, networks or the owner of campaigns."""

    @property
    def closed(self) -> int:
        """The last closed tick; far in the past before there is one."""
        ...

    @property
    def loss(self) -> Loss | None:
        """The last time that records of its input were deleted unread."""
        ...

    def lose(self, first: int, end: int) -> None:
        """Records of its input, from `first` up to `end`, were deleted unread: go on without them."""
        ...

    def isolations(self) -> dict[str, Isolation]:
        """What each detector raised for, by its name."""
        ...

    def checkpoint(self) -> Checkpoint:
        """The state as it is now."""
        ...

    def restoration(self) -> Restoration:
        """What fills the part, still fresh, from kept pages."""
        ...

    def restore(self, kept: Restoration, rest: bytes) -> None:
        """Go on from the kept state."""
        ...


class Stage(Protocol):
    """One partition as a worker runs it. What is said of a property holds between two chunks."""

    busy: asyncio.Lock  # held while input is taken, and while the state is kept

    @property
    def name(self) -> str:
        """Its kind, as metrics, logs and the places in the state topic have it."""
        ...

    @property
    def partition(self) -> int:
        """Of its input topic."""
        ...

    @property
    def next_offset(self) -> int:
        """The first offset of its input that it has not taken."""
        ...

    @property
    def part(self) -> Part:
        """Its part of the engine, which is kept and restored."""
        ...

    @property
    def lag(self) -> int:
        """Records that lay unread when it was last watched."""
        ...

    @property
    def shut_out(self) -> bool:
        """Whether another worker has written down that it runs this partition."""
        ...

    async def prepare(self) -> None:
        """Know what was written down, before anything follows from what is taken."""
        ...

    async def process(self, chunk: Chunk) -> Sent:
        """Take what is new in a chunk; returns what was sent because of it."""
        ...

    def around(self) -> bytes:
        """What the stage keeps around its part."""
        ...

    def restore(self, kept: Kept) -> None:
        """Its part was restored: go on from there."""
        ...

    def watch(self, lag: int, undecided: int = 0) -> None:
        """So many records lie unread, or behind a transaction: show that, and time that passes meanwhile."""
        ...

    async def settle(self) -> None:
        """Wait until what was said is where a successor looks before it says anything."""
        ...

    def close(self) -> None:
        """The partition moved away, or the worker stops: nothing is written down or shown any more."""
        ...
